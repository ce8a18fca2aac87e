"""Options in YAML, as users and run folders keep them: one mapping, read without running or multiplying anything.

Numbers are those that YAML 1.1 and 1.2 both have. All else, octal `030` and `30:00` to the base of 60 too, stays text,
which means what it does on the command line.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from isonet.errors import InputError
from isonet.io.files import refuse_special

_LARGEST = 1 << 20
_DEEPEST = 20


class _GivenTwiceError(Exception):
    """An option that stands twice: its name, and the line of the second."""

    def __init__(self, name: str, line: int) -> None:
        super().__init__(name, line)
        self.name, self.line = name, line


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases, a few of which can stand for more values than memory holds, endless nesting and names twice."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not read; write the value out")
        if self._depth > _DEEPEST:
            raise yaml.YAMLError("nested too deeply")
        self._depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value).replace("-", "_")  # as on the command line
            if name in seen:
                raise _GivenTwiceError(key.value, key.start_mark.line + 1)
            seen.add(name)
        return super().construct_mapping(node, deep)


_NUMBERS = {
    "tag:yaml.org,2002:int": r"[-+]?(?:0|[1-9][0-9]*)",
    "tag:yaml.org,2002:float": (
        r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    ),
}
_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _NUMBERS]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in _NUMBERS.items():
    _PlainLoader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), list("-+.0123456789"))


def read_options(path: Path) -> dict[str, Any]:
    """Read a file of options; empty where it says nothing.

    Raises
    ------
    InputError
        If the file cannot be read, is larger than 1 MB, no YAML, no mapping from names to values, has sections, or
        gives an option twice.
    """
    refuse_special(path)
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error
    if len(raw) > _LARGEST:
        raise InputError(f"{path}: too large for options; write one 'option: value' a line")
    try:
        content = yaml.load(raw.decode("utf-8-sig"), _PlainLoader)
    except _GivenTwiceError as error:
        raise InputError(f"{path}, line {error.line}: {error.name!r} is given a second time; leave one") from error
    except Exception as error:  # odd dates, numbers and depths make the loader raise almost anything
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not YAML ({reason}); write one 'option: value' a line") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InputError(f"{path}: no options in it; write one 'option: value' a line")
    section = next((name for name, value in content.items() if isinstance(value, dict)), None)
    if section is not None:
        raise InputError(
            f"{path}: {section!r} has options below it, and sections are not read; give each command its own file, "
            "with one 'option: value' a line"
        )
    return content
