"""Pipes, devices and sockets where files are expected: refused at once, on the command line and in tables."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import commandline as isonet
import foreign
import pytest

from isonet.errors import InputError
from isonet.io import star
from isonet.io.files import refuse_special
from isonet.io.formats import glance, open_volume


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Who waits for what a pipe never gives fails."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError("waits for a pipe")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(name: str) -> Path:
    """Make a named pipe in the working folder."""
    os.mkfifo(name)
    return Path(name)


COMMANDS = (
    ("prepare", "PIPE.mrc"),
    ("prepare", "PIPE.star"),
    ("prepare", "PIPE.rec.gz"),
    ("prepare", "--even", "PIPE.mrc", "--odd", "PIPE.mrc"),
    ("prepare", "v.mrc", "--output", "o.star", "--tilt-file", "PIPE.tlt"),
    ("prepare", "v.mrc", "--output", "o.star", "--metadata", "PIPE.xml"),
    ("prepare", "v.mrc", "--output", "PIPE.star", "--overwrite"),
    ("deconv", "PIPE.star"),
    ("mask", "TABLE", "--config", "PIPE.yaml"),
    ("mask", "TABLE", "--boundary", "PIPE.mod"),
    ("mask", "TABLE", "--boundary", "PIPE.json"),
    ("mask", "TABLE", "--existing", "PIPE.mrc"),
    ("extract", "TABLE", "--coordinates", "PIPE.star"),
    ("extract", "TABLE", "--coordinates", "PIPE.txt"),
    ("extract", "TABLE", "--coordinates", "PIPE.mod"),
    ("refine", "TABLE", "--pretrained-model", "PIPE.safetensors"),
    ("predict", "TABLE", "PIPE.safetensors"),
    ("reconstruct", "PIPE.st", "--tilt-file", "PIPE.st"),
    ("resize", "PIPE.mrc", "--pixel-size", "20"),
    ("train-starter", "--templates", "PIPE.pdb"),
    ("report", "PIPE.star"),
    ("relion", "predict", "--o", "job", "--in_mics", "PIPE.star"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_waits_for_a_pipe(prepared: Path, words: tuple[str, ...]) -> None:
    name = next(word for word in words if word.startswith("PIPE"))
    pipe(name)
    outcome = isonet.call(*(str(prepared) if word == "TABLE" else word for word in words))
    isonet.assert_refused(outcome, f"{name}: is a pipe, not a file", "save what it holds to a file")


@pytest.mark.parametrize(
    ("column", "name", "command"),
    [
        ("rlnTomoName", "p.mrc", ("mask",)),
        ("rlnTiltFile", "p.tlt", ("refine",)),
        ("rlnMaskName", "p.mrc", ("extract",)),
        ("rlnMaskBoundary", "p.mod", ("mask",)),
        ("rlnMaskBoundary", "p.json", ("mask",)),
        ("rlnBoxFile", "p.txt", ("extract",)),
    ],
)
def test_no_command_waits_for_a_pipe_that_a_table_names(
    prepared: Path, column: str, name: str, command: tuple[str, ...]
) -> None:
    isonet.edited(prepared, **{column: str(pipe(name).resolve())})
    isonet.assert_refused(isonet.call(*command, prepared), name, "is a pipe")


def test_pipes_in_folders_are_passed_over(here: Path) -> None:
    isonet.write(here / "t/TS_1.mrc", isonet.specimen())
    for name in ("t/TS_2.mrc", "t/TS_1.tlt", "t/TS_1.xml"):
        pipe(name)
    isonet.done("prepare", "t", metadata=foreign.angles(here / "TS_1.tlt"))
    assert len(isonet.table(Path("tomograms.star"))) == 1


def test_devices_sockets_and_links_to_them(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "s"))
        (tmp_path / "link").symlink_to(tmp_path / "s")
        for path, kind in (
            (Path("/dev/null"), "a device"),
            (tmp_path / "s", "a socket"),
            (tmp_path / "link", "a socket"),
        ):
            with pytest.raises(InputError, match=f"{path}: is {kind}"):
                refuse_special(path)


def test_files_folders_and_names_of_nothing_pass(tmp_path: Path) -> None:
    linked = tmp_path / "link"
    linked.symlink_to(foreign.put(tmp_path / "file", "x"))
    broken = tmp_path / "broken"
    broken.symlink_to(tmp_path / "nothing")
    for path in (tmp_path, tmp_path / "file", linked, broken, tmp_path / "nothing", Path("x" * 5000), Path("a\0b")):
        refuse_special(path)


def test_readers_refuse_as_the_command_line_does(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.mrc")
    assert glance(tmp_path / "p.mrc") is None
    for read in (open_volume, star.read_tables):
        with pytest.raises(InputError, match="is a pipe"):
            read(tmp_path / "p.mrc")
