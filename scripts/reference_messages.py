"""All messages of the program, found in its source: what is raised as an error and what is logged as a warning."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

import isonet
from isonet.commands import COMMANDS

SOURCE = Path(isonet.__file__).parent
_ERRORS = ("InputError", "RunError", "BadOption")
_PLACES = {
    "cli": "Command line",
    "config": "Options",
    "io": "Files",
    "models": "Models",
    "project": "The table",
    "running": "Running",
    "validation": "validate",
    "volumes": "Volumes",
}
"""Rooms by what a reader knows; those of the steps are called as their commands are."""
_UNSEEN = ("commands.py", "core", "gui", "train")
"""Rooms whose messages reach nobody as they are, or only in the browser."""


def messages(kind: str) -> dict[str, list[str]]:
    """Messages by the part of the program they come from, in alphabetical order.

    Parameters
    ----------
    kind : str
        `error` or `warning`.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] not in _UNSEEN:
            texts = {text for node in ast.walk(ast.parse(path.read_text())) if (text := _text(node, kind, path))}
            if texts:
                found.setdefault(_place(path), set()).update(texts)
    return {place: sorted(texts) for place, texts in sorted(found.items())}


def _place(path: Path) -> str:
    """Part of the program a module belongs to, as the page names it.

    Raises
    ------
    LookupError
        If `_PLACES` does not say where the messages of the module belong.
    """
    room, *inside = path.relative_to(SOURCE).with_suffix("").parts
    if room == "steps":
        command = "prepare-subtomo-star" if inside[-1] == "subtomos" else inside[0].replace("_", "-")
        if command in COMMANDS:
            return command
    elif room in _PLACES:
        return _PLACES[room]
    raise LookupError(f"{path}: name its place in _PLACES")


def _text(node: ast.AST, kind: str, path: Path) -> str | None:
    """Text of a call that raises or warns; None where it is another call, or the text is put together elsewhere."""
    if not isinstance(node, ast.Call) or not node.args:
        return None
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    in_config = path.parent.name == "config" and name == "ValueError"
    is_warning = isinstance(node.func, ast.Attribute) and node.func.attr == "warning"
    is_warning = is_warning or name == "Doubt"
    if not (is_warning if kind == "warning" else name in _ERRORS or in_config):
        return None
    pieces = list(_pieces(node.args[0]))
    given = [one.value.elts if _is_starred_tuple(one) else [one] for one in node.args[1:]]
    values, text = chain.from_iterable(given), "".join(pieces)
    if is_warning:
        text = re.sub(r"%(s|d|g|\.\d\w)", lambda _: _placeholder(next(values, None)), text)
    return _escaped(text) if len(re.sub(r"‹\w*›", "", text).split()) > 1 else None


def _is_starred_tuple(node: ast.expr) -> TypeGuard[Any]:
    """Tell whether an argument is several: `*(one, two)`."""
    return isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple)


def _pieces(node: ast.expr) -> Iterator[str]:
    """Literal parts of a text, values as words in angle quotes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            yield from [_placeholder(part.value)] if isinstance(part, ast.FormattedValue) else _pieces(part)


def _placeholder(node: ast.expr | None) -> str:
    """Name for a value in a message; of so many things, `counted(number, "thing")`, also what they are."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
        return f"{_placeholder(node.args[0])} {ast.literal_eval(node.args[1])}s"
    words = re.findall(r"[a-z]\w+", "" if node is None else ast.unparse(node))
    plain = [
        word for word in words if word not in ("str", "map", "join", "len", "sorted", "self", "config", "for", "in")
    ]
    return f"‹{plain[-1].strip('_') if plain else 'value'}›"


def _escaped(text: str) -> str:
    """Text as Markdown shows it literally, values in angle brackets."""
    shown = re.sub(r"([*_\[\]|])", r"\\\1", " ".join(text.split())).replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"‹([\w\\]*)›", lambda match: f"*⟨{match[1]}⟩*", shown)
