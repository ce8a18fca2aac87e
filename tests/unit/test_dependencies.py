"""Who may import whom: `core` <- `train` <- `steps` <- `cli`; `io`, `config`, `project` and `runs` serve the steps."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import isonet

SOURCE = Path(isonet.__file__).parent
CORE = {"numpy", "scipy", "torch", "jaxtyping", "isonet.core"}
TRAIN = CORE | {"isonet.train"}
ENGINE = {"lightning_fabric"}


def modules(layer: str) -> list[Path]:
    return sorted((SOURCE / layer).glob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Names of the modules that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def foreign(path: Path, allowed: set[str]) -> list[str]:
    """Imports of a module that are neither of the standard library nor allowed."""
    return [
        name
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)
    ]


@pytest.mark.parametrize("path", modules("core"), ids=lambda path: path.stem)
def test_core_stands_on_numbers_alone(path: Path) -> None:
    assert foreign(path, CORE) == []
    assert not {"logging", "pathlib", "os", "io"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", modules("train"), ids=lambda path: path.stem)
def test_train_stands_on_core_and_only_one_file_knows_the_engine(path: Path) -> None:
    assert foreign(path, TRAIN | (ENGINE if path.stem == "engine" else set())) == []


@pytest.mark.parametrize("path", modules("io"), ids=lambda path: path.stem)
def test_files_know_nothing_of_training_or_steps(path: Path) -> None:
    ours = [name for name in imported(path) if name.startswith("isonet")]
    assert all(name.startswith(("isonet.io", "isonet.errors")) for name in ours)


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.py")), ids=lambda path: path.stem)
def test_only_the_command_line_knows_the_steps(path: Path) -> None:
    if path.stem != "cli":
        assert not [name for name in imported(path) if name.startswith("isonet.steps")]


@pytest.mark.parametrize("path", sorted((SOURCE / "gui").rglob("*.py")), ids=lambda path: path.stem)
def test_the_browser_interface_starts_commands_and_calls_no_step(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith(("isonet.steps", "isonet.train", "torch"))]


def loaded(name: str, heavy: list[str]) -> list[str]:
    """Which of some libraries a module loads in a fresh process."""
    script = f"import json, sys, {name}; print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("name", ["isonet", "isonet.cli", "isonet.config", "isonet.errors"])
def test_help_waits_for_nothing_heavy(name: str) -> None:
    heavy = ["torch", "numpy", "pandas", "scipy", "matplotlib", "lightning_fabric", "starfile", "mrcfile"]
    assert loaded(name, heavy) == []


@pytest.mark.parametrize("step", ["predict", "report"])
def test_what_does_not_train_does_not_wait_for_the_engine(step: str) -> None:
    assert loaded(f"isonet.steps.{step}", ["lightning_fabric", "torch._dynamo"]) == []
