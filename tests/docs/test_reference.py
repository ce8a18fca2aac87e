"""The reference is what the code says: pages that are made from it are up to date, and leave nothing out."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pages
import pytest

import isonet
from isonet.cli.application import app
from isonet.config import PRESETS, RefineConfig

sys.path.insert(0, str(pages.ROOT / "scripts"))
import figures
import reference
from reference_columns import COLUMNS, RELION_COLUMNS, SUBTOMO_COLUMNS
from reference_messages import messages

SOURCE = Path(isonet.__file__).parent
COMMANDS = (pages.DOCS / "reference" / "commands.md").read_text(encoding="utf-8")


def test_pages_made_from_the_code_are_up_to_date() -> None:
    assert reference.stale() == [], "python scripts/reference.py"


def test_every_command_and_option_is_there() -> None:
    for name in app:
        if not name.startswith("-") and "_" not in name:
            assert f"\n## {name}\n" in COMMANDS
    refine = COMMANDS.partition("\n## refine\n")[2].partition("\n## ")[0]
    for option in RefineConfig.model_fields:
        assert f"`--{option.replace('_', '-')}`" in refine


@pytest.mark.parametrize(
    "row",
    [
        "| `--cube-size` | whole number ≥ 16, ≤ 512 | `64` |",
        "| `--time-budget` | duration > 0 | - |",
        "| `--max-memory` | memory > 0 | `4GB` |",
        "| `--noise-level` | list ≥ 0 | `0.18,0.35,0.53,0.7` |",
        "| `--preset` | `purified`, `cellular`, `phase-plate`, `plastic`, `paper` | - |",
        "| `--calibrate` | switch | on |",
        "| `--highpass-nyquist` | number > 0, ≤ 1 | `0.02` |",
        "| `--output-dir` | path | `results` |",
    ],
)
def test_defaults_units_and_bounds(row: str) -> None:
    assert f"\n{row}" in COMMANDS


def test_every_preset_has_its_section() -> None:
    text = (pages.DOCS / "presets.md").read_text(encoding="utf-8")
    assert [name for name in PRESETS if f"\n## `{name}`\n" not in text] == []


def columns_in_code() -> Iterator[tuple[str, str]]:
    """Module and name of each column that is spelled out in the code."""
    for path in SOURCE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        pieces = {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if node in pieces or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            if re.fullmatch(r"rln\w+", node.value):
                yield path.name, node.value


def test_every_column_of_the_code_is_described() -> None:
    described = {*COLUMNS, *SUBTOMO_COLUMNS, *RELION_COLUMNS}
    assert {name for _, name in columns_in_code()} - described == set()
    assert {name for _, name in columns_in_code()} > {"rlnTomoName", "rlnTiltMin"}


def test_messages_are_found_with_their_remedies() -> None:
    errors = [text for texts in messages("error").values() for text in texts]
    assert any("exists; choose another --relion5 or add --overwrite" in text for text in errors)
    assert any("no such file; give a YAML file" in text for text in errors)
    assert len(errors) > 150
    warnings = [text for texts in messages("warning").values() for text in texts]
    assert any("which is a default; set --pixel-size" in text for text in warnings)


def test_every_error_says_what_to_do() -> None:
    """After a semicolon, as a command to type, or as a value."""
    said = [text for place, texts in messages("error").items() if place != "Options" for text in texts]
    plain = [re.sub(r"&\w+;", "", text) for text in said]
    assert [text for text in plain if "; " not in text and ": isonet " not in text and not text.endswith("⟩*")] == []


def test_figures_can_be_drawn_anew(tmp_path: Path) -> None:
    figures.draw_wedge(tmp_path / "wedge.svg")
    figures.draw_flow(tmp_path / "flow.svg")
    figures.draw_phases(tmp_path / "phases.svg")
    for name in ("wedge.svg", "flow.svg", "phases.svg"):
        drawn = (tmp_path / name).read_text(encoding="utf-8")
        assert drawn.count("<path") > 10
        assert len(drawn) == pytest.approx(len((pages.DOCS / "figures" / name).read_text(encoding="utf-8")), rel=0.3)


def test_what_the_steps_make_is_what_the_figure_names() -> None:
    assert {name for _, _, name, _ in figures.FLOW} - {"you"} <= set(app)
