"""What must hold after a fault: nothing half-written is taken for whole, nothing is lost, one line says what to do."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
from safetensors.torch import load_file

from failing.steps import Step
from isonet.io import checkpoint, star
from isonet.io.files import TEMPORARY

_LOG_LINE = re.compile(r"\d\d:\d\d:\d\d ")
_ADVICE = re.compile(r"; |go on with|give the same command")
_VOLATILE = (
    *("made", "started", "updated", "seconds", "times", "pid", "peak_memory", "versions", "host", "folder", "file"),
    *("of", "earlier", "working_folder", "path", "table", "state", "costs", "commands", "label", "labels"),
)
Products = Mapping[str, Any]


def contents(path: Path) -> Any:
    """What is in a product, without times and places; raises where it is damaged."""
    if path.suffix == ".mrc":
        with mrcfile.open(path) as mrc:
            return mrc.data.shape, float(mrc.voxel_size.x), mrc.data.tobytes()
    if path.suffix == ".safetensors":
        return {name: tensor.numpy().tobytes() for name, tensor in load_file(path).items()}
    if path.suffix == ".star":
        return star.read_tables(path)
    if path.suffix == ".json":
        return _steady(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix == ".jsonl":
        return [_steady(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html" and not text.rstrip().endswith("</html>"):
        raise ValueError("the page is cut off")
    return None


def _steady(values: Any) -> Any:
    """Leave out what differs from run to run."""
    if isinstance(values, dict):
        return {name: _steady(value) for name, value in values.items() if name not in _VOLATILE}
    return [_steady(value) for value in values] if isinstance(values, list) else values


def products(step: Step, folder: Path) -> Products:
    """Contents of what a step has left, by name."""
    return {str(path.relative_to(folder)): contents(path) for path in _files(step, folder)}


def _files(step: Step, folder: Path) -> list[Path]:
    return sorted(path for pattern in step.products for path in folder.glob(pattern))


def stamps(step: Step, folder: Path) -> dict[str, tuple[int, int]]:
    """Which version of each product is there; the table is changed by intent."""
    found = {}
    for path in _files(step, folder):
        if path.suffix == ".mrc":
            status = path.stat()
            found[str(path.relative_to(folder))] = status.st_ino, status.st_mtime_ns
    return found


def half_written(step: Step, folder: Path, whole: Products) -> list[str]:
    """Say what is wrong with the products that are there right after a fault."""
    problems = []
    for path in _files(step, folder):
        name = str(path.relative_to(folder))
        try:
            found = _whole_lines(path) if path.suffix == ".jsonl" else contents(path)
        except Exception as error:
            problems.append(f"{name} is damaged: {type(error).__name__}: {error}")
            continue
        if path.suffix == ".mrc" and found != whole[name]:
            problems.append(f"{name} is there and is another one")
    state = folder / step.folder / "trainer.pt"
    if step.trains and state.exists():
        checkpoint.load_state(state)
    return problems


def _whole_lines(path: Path) -> list[Any]:
    """Read the lines of a record, of which a crash may have cut off the last one."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[:-1]]


def differences(step: Step, folder: Path, whole: Products) -> list[str]:
    """Say in what the products differ from those of a run without faults, and what else was left."""
    try:
        found = products(step, folder)
    except Exception as error:
        return [f"a product is damaged: {type(error).__name__}: {error}"]
    problems = [f"{name} is missing" for name in whole if name not in found]
    problems += [f"{name} is one too many" for name in found if name not in whole]
    for name in found:
        if name in whole and found[name] != whole[name]:
            problems.append(f"{name} differs{_where(found[name], whole[name])}")
    parts = (folder / step.folder).rglob(TEMPORARY) if step.folder else ()  # only run folders are cleared away
    return problems + [f"{path.name} was left" for path in parts]


def _where(found: Any, expected: Any) -> str:
    """Say in which entries, where there are any."""
    if isinstance(found, tuple) and isinstance(expected, tuple) and found[0] == expected[0]:
        one, two = (np.frombuffer(values[2], np.uint8) for values in (found, expected))
        return f" in {int((one != two).sum())} bytes" if one.size == two.size else " in type"
    if isinstance(found, dict) and isinstance(expected, dict):
        return f" in {[name for name in {*found, *expected} if found.get(name) != expected.get(name)][:5]}"
    return ""


def message_problems(code: int, said: str) -> list[str]:
    """Say what is wrong with how a command told of a fault."""
    if "Traceback" in said:
        return [f"traceback: {said.strip().splitlines()[-1]}"]
    if code == 99:
        return ["hangs"]
    lines = [line for line in said.splitlines() if line.strip() and not _LOG_LINE.match(line)]
    if len(lines) != 1 or not lines[0].startswith("isonet: ") or "unexpected" in lines[0]:
        return [f"says {lines[:3]} (exit code {code})"]
    if not _ADVICE.search(said):
        return [f"says not what to do: {lines[0]}"]
    return []
