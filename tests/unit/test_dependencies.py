"""Who may import whom: arrows between rooms run one way, from `cli` and `gui` down to `core`."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

import isonet
from isonet.commands import COMMANDS, Command

SOURCE = Path(isonet.__file__).parent
FLOORS = (
    ("errors", "core", "presets"),
    ("io", "config"),
    ("project", "train", "commands"),
    ("running",),
    ("volumes", "models"),
    ("validation",),
    ("steps",),
    ("cli", "gui"),
    ("__main__",),
)
"""Rooms from the ground up; none imports from its own floor but itself, and none from above."""
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
CORE = {"numpy", "scipy", "torch", "jaxtyping", "isonet.core"}
TRAIN = CORE | {"isonet.train"}
ENGINE = {"lightning_fabric"}
LONGEST = 300
MOST = 15


def name_of(path: Path) -> str:
    """Dotted name of a module or package."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported(path: Path) -> Iterator[str]:
    """Names of what a module imports, anywhere in it: `package.module.name`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def module_of(name: str) -> str | None:
    """Module of this program that an imported name is, or stands in."""
    while name not in MODULES and "." in name:
        name = name.rpartition(".")[0]
    return name if name in MODULES else None


ARROWS = {
    name: {to for one in imported(path) if (to := module_of(one)) not in (None, name)} for name, path in MODULES.items()
}


def room(name: str) -> str:
    """Package or module right below `isonet`."""
    return name.split(".")[1] if "." in name else name


def folder(name: str) -> str:
    """Folder in which a module stands; right below `isonet`, the module itself."""
    inside = name_of(MODULES[name].parent / "__init__.py")
    return name if inside == "isonet" else inside


def foreign(path: Path, allowed: set[str]) -> list[str]:
    """Imports of a module that are neither of the standard library nor allowed."""
    return [
        name
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)
    ]


def below(layer: str) -> list[Path]:
    """All modules of a layer."""
    return sorted((SOURCE / layer).rglob("*.py"))


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """Names on a circle of arrows; none where there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert circle(ARROWS) == []


def test_no_folder_imports_itself_by_way_of_others() -> None:
    arrows: dict[str, set[str]] = {}
    for name, others in ARROWS.items():
        if name != "isonet":
            found = {folder(other) for other in others if other != "isonet"} - {folder(name)}
            arrows.setdefault(folder(name), set()).update(found)
    assert circle(arrows) == []


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []


def test_arrows_between_rooms_run_down() -> None:
    assert {room(name) for name in MODULES} == set(FLOOR) | {"isonet"}
    upward = [
        f"{name} -> {other}"
        for name, others in ARROWS.items()
        for other in others
        if "isonet" not in (name, other) and room(name) != room(other) and FLOOR[room(other)] >= FLOOR[room(name)]
    ]
    assert upward == []


def test_steps_know_each_other_by_what_their_packages_export() -> None:
    """A step that is one module exports what has no underscore before it."""
    inside = [
        f"{name} -> {other}"
        for name, others in ARROWS.items()
        for other in others
        if other.count(".") > 2 and room(other) == "steps" and name.split(".")[:3] != other.split(".")[:3]
    ]
    assert inside == []


@pytest.mark.parametrize("path", below("core"), ids=name_of)
def test_core_stands_on_numbers_alone(path: Path) -> None:
    assert foreign(path, CORE) == []
    assert not {"logging", "pathlib", "os", "io"} & {name.split(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", below("train"), ids=name_of)
def test_train_stands_on_core_and_only_one_file_knows_the_engine(path: Path) -> None:
    assert foreign(path, TRAIN | (ENGINE if path.stem == "engine" else set())) == []


@pytest.mark.parametrize("path", below("io"), ids=name_of)
def test_files_know_nothing_of_training_or_steps(path: Path) -> None:
    ours = [name for name in imported(path) if name.startswith("isonet")]
    assert all(name.startswith(("isonet.io", "isonet.errors")) for name in ours)


@pytest.mark.parametrize("path", [*below("cli"), SOURCE / "commands.py"], ids=name_of)
def test_the_command_line_knows_commands_and_not_what_they_do(path: Path) -> None:
    assert not [name for name in imported(path) if name.startswith(("isonet.steps", "isonet.gui"))]


@pytest.mark.parametrize("path", below("gui"), ids=name_of)
def test_the_browser_interface_starts_commands_and_calls_no_step(path: Path) -> None:
    unwanted = ("isonet.steps", "isonet.train", "isonet.cli", "torch")
    assert not [name for name in imported(path) if name.startswith(unwanted)]


@pytest.mark.parametrize("path", MODULES.values(), ids=name_of)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) < LONGEST


@pytest.mark.parametrize("place", sorted({path.parent for path in MODULES.values()}), ids=lambda path: path.name)
def test_folders_hold_few_modules(place: Path) -> None:
    assert len(list(place.glob("*.py"))) <= MOST


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_command_begins_where_its_entry_says(command: Command) -> None:
    """The function takes the arguments in order, then the options."""
    module, _, name = command.begins.partition(":")
    parameters = list(signature(getattr(import_module(module), name)).parameters)
    assert len(parameters) == len(command.arguments) + 1
    assert parameters[-1] == "config"


def loaded(name: str, heavy: list[str]) -> list[str]:
    """Which of some libraries a module loads in a fresh process."""
    script = f"import json, sys, {name}; print(json.dumps([name for name in {heavy} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("name", ["isonet", "isonet.cli", "isonet.commands", "isonet.config", "isonet.errors"])
def test_help_waits_for_nothing_heavy(name: str) -> None:
    heavy = ["torch", "numpy", "pandas", "scipy", "matplotlib", "lightning_fabric", "starfile", "mrcfile"]
    assert loaded(name, heavy) == []


@pytest.mark.parametrize("step", ["predict", "report"])
def test_what_does_not_train_does_not_wait_for_the_engine(step: str) -> None:
    assert loaded(f"isonet.steps.{step}", ["lightning_fabric", "torch._dynamo"]) == []
