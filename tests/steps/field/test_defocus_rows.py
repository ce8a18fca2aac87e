"""Rows of defocus that another program numbered, counted or ordered otherwise than the file with the tilts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import commandline as isonet
import foreign
import pytest

TILTS = foreign.TILTS
AS_RECORDED = sorted(TILTS, key=lambda tilt: (abs(tilt), tilt))
HEAD = "# Columns: #1 - number; #2 - defocus 1; #3 - defocus 2; #4 - azimuth; #5 - phase; #6 - score; #7 - fit\n"
OUT_OF_ORDER, UNTOLD = "lists tilts out of order", "nothing tells which rows"


@pytest.fixture
def tomogram(here: Path) -> Path:
    """One tomogram, `TS_1`."""
    return isonet.write(here / "t/TS_1.mrc", isonet.specimen())


def rows(values: Sequence[float], numbers: Sequence[int] | None = None) -> Path:
    """Write the table of defocus as CTFFIND does."""
    numbered = zip(numbers or range(1, len(values) + 1), values, strict=True)
    return foreign.put(Path("m/TS_1_CTF.txt"), HEAD + "".join(f"{n} {v} {v} 0 0 0.1 10\n" for n, v in numbered))


def failing(tilts: Sequence[float]) -> list[float]:
    """Defocus of images whose fits fail at high tilts; 30000 at zero."""
    return [30000 + 5 * tilt if abs(tilt) < 42 else 12000 for tilt in tilts]


def steep(tilts: Sequence[float]) -> list[float]:
    """Defocus that rises to both sides by 100 Å a degree; 30000 at zero."""
    return [30000 + 100 * abs(tilt) for tilt in tilts]


def prepared(**options: object) -> tuple[float, str]:
    """Defocus in the table, and what was said."""
    said = isonet.done("prepare", "t", metadata="m", overwrite=True, **options).err
    return float(isonet.table(Path("tomograms.star"))[0]["rlnDefocus"]), said


def mdoc(tilts: Sequence[float]) -> Path:
    return foreign.put(Path("m/TS_1.mdoc"), "".join(f"[ZValue = {n}]\nTiltAngle = {t}\n" for n, t in enumerate(tilts)))


def tilt_series(tilts: Sequence[float]) -> Path:
    return foreign.star(Path("m/TS_1.star"), "TS_1", rlnTomoNominalStageTiltAngle=tilts)


def tomostar(tilts: Sequence[float]) -> Path:
    names = [f"{n}.eer" for n in range(len(tilts))]
    return foreign.star(Path("m/TS_1.tomostar"), wrpMovieName=names, wrpAngleTilt=tilts)


@pytest.mark.usefixtures("tomogram")
@pytest.mark.parametrize("write", [mdoc, tilt_series, tomostar])
def test_rows_in_order_of_tilt_and_tilts_as_recorded(write: Callable[[Sequence[float]], Path]) -> None:
    write(AS_RECORDED)
    rows(failing(TILTS))
    defocus, said = prepared()
    assert defocus == pytest.approx(30000, rel=0.01)
    assert said.count(OUT_OF_ORDER) == 1
    assert OUT_OF_ORDER not in prepared(defocus=30000)[1]


@pytest.mark.usefixtures("tomogram")
@pytest.mark.parametrize("write", [mdoc, tilt_series])
@pytest.mark.parametrize("tilts", [TILTS, TILTS[::-1], AS_RECORDED], ids=["rising", "falling", "as recorded"])
def test_tilts_in_order_and_defocus_that_is_much_the_same_are_not_doubted(
    write: Callable[[Sequence[float]], Path], tilts: Sequence[float]
) -> None:
    write(tilts)
    rows([30000 + 5 * tilt for tilt in tilts] if tilts is AS_RECORDED else failing(tilts))
    defocus, said = prepared()
    assert defocus == 30000
    assert OUT_OF_ORDER not in said


def command(left_out: Sequence[int]) -> None:
    foreign.angles(Path("m/TS_1.tlt"))
    views = ",".join(str(1 + view) for view in left_out)
    foreign.put(Path("m/tilt.com"), f"$tilt\nInputProjections TS_1_ali.mrc\nTILTFILE TS_1.tlt\nEXCLUDELIST2 {views}\n")


def alignment(left_out: Sequence[int]) -> None:
    path = foreign.aln(Path("m/TS_1.aln"))
    lines = path.read_text().splitlines()
    dark = [f"# DarkFrame = {view:4} {view:4} {TILTS[view]:8.2f}" for view in left_out]
    kept = [line for view, line in enumerate(lines[4:]) if view not in left_out]
    foreign.put(path, "\n".join([*lines[:3], *dark, lines[3], *kept]) + "\n")


@pytest.mark.usefixtures("tomogram")
@pytest.mark.parametrize("left_out", [(0, 1), range(8), (3, 20, 40)], ids=["two", "eight", "zero tilt"])
@pytest.mark.parametrize("write", [command, alignment])
@pytest.mark.parametrize("of_all", [True, False])
def test_rows_go_with_the_images_that_are_left(
    write: Callable[[Sequence[int]], None], left_out: Sequence[int], of_all: bool
) -> None:
    """Of all images, or of those used by their numbers."""
    write(left_out)
    views = [view for view in range(len(TILTS)) if of_all or view not in left_out]
    rows([steep(TILTS)[view] for view in views], [1 + view for view in views])
    defocus, said = prepared()
    assert defocus == (30300 if 20 in left_out else 30000)
    assert UNTOLD not in said
    assert prepared(tilt_file="m/tilt.com" if write is command else "m/TS_1.aln")[0] == defocus


@pytest.mark.usefixtures("tomogram")
def test_rows_of_all_images_and_tilts_of_some() -> None:
    foreign.angles(Path("m/TS_1.tlt"), [tilt for tilt in TILTS if tilt not in (-51, 51, 33)])
    rows([30000 + 300 * abs(tilt) for tilt in TILTS])
    defocus, said = prepared()
    assert defocus == pytest.approx(30000, rel=0.05)
    assert said.count(UNTOLD) == 1
    for told in ("41 rows of defocus", "38 tilts", f"{defocus:g} A taken", "--defocus"):
        assert told in said
    assert UNTOLD not in prepared(defocus=30000)[1]
    foreign.angles(Path("m/TS_1.rawtlt"))
    assert prepared()[0] == 30000  # by the other list, of all tilts


@pytest.mark.usefixtures("tomogram")
def test_rows_of_some_images_and_tilts_of_all() -> None:
    foreign.angles(Path("m/TS_1.tlt"))
    kept = [view for view in range(len(TILTS)) if view not in (2, 3, 33)]
    rows([steep(TILTS)[view] for view in kept], [1 + view for view in kept])
    defocus, said = prepared()
    assert (defocus, UNTOLD in said) == (30000, False)
    rows([steep(TILTS)[view] for view in kept])
    defocus, said = prepared()
    assert defocus == pytest.approx(30000, rel=0.02)
    assert UNTOLD in said


@pytest.mark.parametrize("comment", ["# Columns: #1 micrograph number; #2 - defocus 1 [A]\n", ""])
def test_a_ctf_table_without_its_comment_is_named(tomogram: Path, here: Path, comment: str) -> None:
    foreign.angles(here / "m/TS_1.tlt", range(-60, 61, 3))
    rows = [f"{row} 31000 30000 10 0 0.1 8\n" for row in range(1, 42)]
    foreign.put(here / "m/TS_1_CTF.txt", comment + "".join(rows))
    said = isonet.done("prepare", "t", metadata="m").err
    assert ("warning: m/TS_1_CTF.txt: called a CTF table and not read" in said) == (not comment)
