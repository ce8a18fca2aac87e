"""Options in YAML, as users and run folders keep them: one mapping, read without running or multiplying anything."""

from pathlib import Path
from typing import Any

import yaml

from isonet.errors import InputError
from isonet.io.files import refuse_special

_LARGEST = 1 << 20
_DEEPEST = 20


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases, a few of which can stand for more values than memory holds, and endless nesting."""

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


def read_options(path: Path) -> dict[str, Any]:
    """Read a file of options; empty where it says nothing.

    Raises
    ------
    InputError
        If the file cannot be read, is larger than 1 MB, no YAML, or no mapping from names to values.
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
    except Exception as error:  # odd dates, numbers and depths make the loader raise almost anything
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: not YAML ({reason}); write one 'option: value' a line") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InputError(f"{path}: no options in it; write one 'option: value' a line")
    return content
