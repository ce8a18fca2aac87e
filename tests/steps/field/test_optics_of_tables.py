"""Tables of tomograms whose constants stand once for many rows: in optics groups, or in a block of single values."""

from pathlib import Path

import commandline as isonet
import foreign
import pytest

GROUPS = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n_rlnSphericalAberration\n{}\n"
GENERAL = "data_general\n\n_rlnVoltage 200\n_rlnSphericalAberration 1.4\n\n"
ONE, TWO = GROUPS.format("1 200 1.4\n"), GROUPS.format("1 300 2.7\n2 200 1.4\n")
PIXEL = "data_general\n\n_rlnPixelSize 12.5\n\n"


@pytest.fixture
def tomogram(here: Path) -> Path:
    """One tomogram, `TS_1.mrc`."""
    return isonet.write(here / "TS_1.mrc", isonet.specimen())


def table(head: str, **columns: object) -> Path:
    said = {"rlnIndex": 1, "rlnTomoName": "TS_1.mrc", "rlnDefocus": 30000, "rlnTiltMin": -60, "rlnTiltMax": 60}
    path = foreign.star(Path("t.star"), "tomograms", **{name: [value] for name, value in {**said, **columns}.items()})
    return foreign.put(path, head + path.read_text())


CASES = [
    (ONE, {"rlnOpticsGroup": 1}, ("200", "1.4")),
    (ONE, {}, ("200", "1.4")),
    (TWO, {"rlnOpticsGroup": "2.000"}, ("200", "1.4")),
    (TWO, {"rlnOpticsGroup": 1}, ("300", "2.7")),
    (GENERAL, {}, ("200", "1.4")),
    (GENERAL, {"rlnVoltage": "None"}, ("200", "1.4")),
    (GENERAL, {"rlnVoltage": 120}, ("120", "1.4")),
    (ONE, {"rlnOpticsGroup": 1, "rlnVoltage": 120}, ("120", "1.4")),
    (TWO, {"rlnVoltage": 120, "rlnSphericalAberration": 1, "rlnAmplitudeContrast": 0.1}, ("120", "1")),
]


@pytest.mark.usefixtures("tomogram")
@pytest.mark.parametrize(("head", "columns", "constants"), CASES)
def test_constants_said_once_are_read(head: str, columns: dict[str, object], constants: tuple[str, str]) -> None:
    path = table(head, **columns)
    isonet.done("prepare", path, output="u.star")
    (prepared,) = isonet.table(Path("u.star"))
    assert (prepared["rlnVoltage"], prepared["rlnSphericalAberration"]) == constants
    isonet.done("deconv", path)
    blocks = path.read_text()
    assert blocks.count("data_") == 2
    (used,) = isonet.table(path)
    assert (used["rlnVoltage"], used["rlnSphericalAberration"]) == constants


@pytest.mark.usefixtures("tomogram")
def test_a_pixel_size_said_once_is_read() -> None:
    isonet.done("prepare", table(PIXEL), output="u.star")
    assert isonet.table(Path("u.star"))[0]["rlnPixelSize"] == "12.5"


@pytest.mark.usefixtures("tomogram")
@pytest.mark.parametrize("command", ["prepare", "deconv"])
@pytest.mark.parametrize(
    ("columns", "mention"),
    [
        ({"rlnOpticsGroup": 7}, "names optics group 7, which is not among those of the file"),
        ({}, "names none of 2 optics groups; add rlnOpticsGroup"),
    ],
)
def test_groups_that_do_not_tell_are_refused(command: str, columns: dict[str, object], mention: str) -> None:
    options = {"output": "u.star"} if command == "prepare" else {}
    isonet.assert_refused(isonet.call(command, table(TWO, **columns), **options), "t.star", "row 1", mention)
