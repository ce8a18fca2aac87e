"""Every command that a page shows is typed here, in order, in a folder of its own; what it makes is as documented.

Small volumes and tiny networks take the place of long runs: in each command the options of `SMALL` replace those of
the page, whose own line must be understood by the command line as it stands. Nothing else is changed.
"""

import contextlib
import fnmatch
import io
import itertools
import re
import shlex
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pages
import pytest

from isonet.cli import main
from isonet.cli.application import app
from isonet.cli.arguments import config_files, normalized
from isonet.cli.spellings import ALIASES, RENAMED, translated
from isonet.config import RefineConfig

PAGES = [page for page in pages.PAGES if pages.blocks(page, "console")]
TRAINING: dict[str, str | None] = {
    "time-budget": None,
    "preset": None,
    "cube-size": "16",
    "crop-size": "24",
    "iterations": "1",
    "epochs": "1",
    "steps-per-epoch": "2",
    "batch-size": "2",
    "number-subtomos": "3",
    "arch": "small",
    "filter-base": "2",
    "unet-depth": "1",
    "convs-per-depth": "2",
    "precision": "float32",
    "noise-start-iter": None,
    "noise-level": None,
    "devices": None,
}
SMALL: dict[str, dict[str, str | None]] = {
    "refine": TRAINING,
    "run": TRAINING,
    "validate": {**TRAINING, "withhold": "30"},
    "extract": {"cube-size": "16", "crop-size": "24", "number-subtomos": "3"},
    "prepare-subtomo-star": {"cube-size": "16"},
    "predict": {"cube-size": "24", "crop-size": "32", "devices": None, "calibrate": "false"},
    "deconv": {"devices": None},
    "mask": {"devices": None},
    "train-starter": {"steps": "2", "cube-size": "16", "filter-base": "2", "unet-depth": "1", "templates": None},
    "simulate": {"depth": "24", "height": "40", "width": "40", "tilt-step": "10", "vesicles": "1", "filaments": "0"},
    "reconstruct": {"thickness": "16"},
    "check": {"seconds": "0"},
}
"""Options of the tests in place of a page's own, by command; None leaves an option out. Several processes and the
calibration take long: `test_devices.py` and `test_refine_halves.py` in `tests/steps` have them."""
NETWORK = ("arch", "filter-base", "unet-depth", "convs-per-depth")
"""Options that a model to start from decides."""
OF_DATA = ("crop-size", "number-subtomos")
"""Options of trainings that learn from data."""
WITH_STARTER = ("--tomo-idx=1", "--no-halves")
"""What keeps a prediction by the starter short, whose network is not small."""
OTHERS = {"3dmod", "cat", "cd", "less", "ls", "make", "mkdir", "pip", "python", "python3", "source", "ssh", "tail"}
OTHERS |= {"sbatch", "squeue", "srun"}
"""Programs that pages mention and that are not ours to test."""
MADE_BEFORE = {
    "tomograms.star": "prepare tomograms/ --even even/ --odd odd/ --metadata metadata/",
    "results": "refine tomograms.star",
    "validation": "validate tomograms.star",
}
"""What pages that begin in the middle take for granted, and the command that makes it."""
NEVER_RUN = {"gui": "serves until it is stopped", "demo": "takes minutes; tests/steps/test_run.py runs it"}


def ours(block: pages.Block) -> list[list[str]]:
    """Command lines of `isonet` in a block, without the program's name; fail at programs nobody knows."""
    found = []
    for words in block.commands:
        if words[0] == "isonet":
            found.append(words[1:])
        else:
            assert words[0] in OTHERS or "/" in words[0] or block.not_run, f"{block.place}: what is {words[0]}?"
    return found


def command_of(words: Sequence[str]) -> str:
    """Name of the command that a line calls."""
    return ALIASES.get(words[0], words[0].replace("_", "-"))


def understood(words: Sequence[str]) -> None:
    """Insist that the command line takes a line as it stands: command, options, values."""
    tokens = normalized(translated(words, lambda: 1)[0])
    app.config = config_files(tokens)
    app.parse_args(tokens, exit_on_error=False, print_error=False)


def small(words: Sequence[str]) -> list[str]:
    """Put the options of `SMALL` in the place of a line's own."""
    command = command_of(words)
    replaced = dict(SMALL.get(command, {}))
    if any(word.startswith("--pretrained-model") for word in words):
        replaced |= dict.fromkeys(NETWORK)
    if "tailored" in words and command == "refine":
        replaced |= dict.fromkeys((*NETWORK, *OF_DATA))
    names = RENAMED.get(command, {})
    kept: list[str] = []
    rest = list(words)
    continued = any(word.startswith("--continue-from") for word in words)
    while rest:
        word = rest.pop(0)
        flag = word.partition("=")[0].replace("_", "-")
        if names.get(flag, flag).removeprefix("--") in replaced and word.startswith("--"):
            if "=" not in word and rest and not rest[0].startswith("--"):
                rest.pop(0)
        else:
            kept.append(word)
    asked_help = {"--help", "--version"} & set(words)
    added = [] if continued or asked_help else [f"--{name}={value}" for name, value in replaced.items() if value]
    added += WITH_STARTER if command == "predict" and "starter" in words else ()
    return [*kept, *added]


def expanded(words: Sequence[str]) -> list[str]:
    """Put files in the place of patterns, as a shell does."""
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def typed(words: Sequence[str], place: str) -> str:
    """Type a line, insist that it works, and return what it said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), pytest.raises(SystemExit) as end:
        main(list(words))
    assert end.value.code == 0, f"{place}: isonet {' '.join(words)}\n{said.getvalue()}"
    return said.getvalue()


def make_what_is_missing(words: Sequence[str]) -> None:
    """Make what a command reads and the page has not made."""
    for name, line in MADE_BEFORE.items():
        places = [one for before, one in pairwise(words) if not before.startswith("--output")]
        reads = any(Path(word).parts[:1] == (name,) for word in places)
        if reads and not Path(name).exists():
            made = shlex.split(line)
            make_what_is_missing(made)
            typed(small(made), name)


@pytest.mark.parametrize("page", PAGES, ids=pages.name_of)
def test_commands_of_a_page_work_in_order(page: Path, files: Path, desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, block in enumerate(pages.blocks(page, "console")):
        if block.begins_anew:
            monkeypatch.chdir(shutil.copytree(files, desk.parent / f"desk_{number}"))
        for words in ours(block):
            understood(words)
            if block.not_run is None and command_of(words) not in NEVER_RUN:
                make_what_is_missing(words)
                typed(expanded(small(words)), block.place)
    undocumented = [path for path in made_by_runs(desk.parent) if not is_documented(path)]
    assert undocumented == [], "describe them in docs/reference/files.md"


def made_by_runs(place: Path) -> list[Path]:
    """Files in run folders that the commands made, relative to the folder."""
    folders = [status.parent for status in place.rglob("status.json")]
    return [path.relative_to(folder) for folder in folders for path in folder.iterdir() if path.is_file()]


def is_documented(path: Path) -> bool:
    """Tell whether the page about files describes a name."""
    text = (pages.DOCS / "reference" / "files.md").read_text(encoding="utf-8")
    patterns = [re.sub(r"<\w+>", "*", name) for name in re.findall(r"`([^`\s]+\.[\w.]+)`", text)]
    return any(fnmatch.fnmatch(path.name, Path(pattern).name) for pattern in [*patterns, ".lock", "*.lock"])


def test_every_command_is_shown_somewhere() -> None:
    shown = {command_of(words) for page in PAGES for block in pages.blocks(page, "console") for words in ours(block)}
    known = {name for name in app if not name.startswith("-") and "_" not in name}
    assert known - shown == set()


def test_blocks_that_are_not_run_say_why() -> None:
    for page in PAGES:
        for block in pages.blocks(page, "console"):
            assert block.note == "" or block.begins_anew or (block.not_run or "").strip(), (
                f"{block.place}: say why it is not run"
            )
            skipped = {command_of(words) for words in ours(block)} & set(NEVER_RUN)
            assert not skipped or block.not_run or len(ours(block)) > 1, f"{block.place}: {skipped} never runs here"


def test_scripts_and_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (pages.ROOT / "Makefile").read_text(), re.M))
    for page in PAGES:
        for block in pages.blocks(page, "console"):
            for words in block.commands:
                if words[0] == "make":
                    assert set(words[1:]) & targets, f"{block.place}: make {words[1:]}"
                if words[0] == "python" and words[1].endswith(".py") and "/" in words[1]:
                    script = pages.ROOT / words[1]
                    assert script.exists() or block.not_run, f"{block.place}: {words[1]}"
                    flags = [word for word in itertools.takewhile(lambda word: word != "--", words) if word[:2] == "--"]
                    text = "".join(path.read_text() for path in script.parent.glob("*.py"))
                    assert [flag for flag in flags if f'"{flag}"' not in text] == [], block.place


def test_commands_are_seen_whole() -> None:
    """A line of more characters runs out of its box in a window of 1280 pixels."""
    for page in sorted(pages.DOCS.rglob("*.md")):
        for block in (*pages.blocks(page, "console"), *pages.blocks(page, "python")):
            assert [line for line in block.text.splitlines() if len(line) > 92] == [], block.place


def test_small_options_are_options() -> None:
    """An option that was renamed must not drop out of the substitution unseen."""
    assert {name.replace("-", "_") for name in TRAINING} <= set(RefineConfig.model_fields)
