"""Write the pages of docs/reference that are made from the code: commands, columns, messages, IsoNet's spellings.

::

    python scripts/reference.py            write them
    python scripts/reference.py --check    exit 1 where one is not up to date
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from isonet.cli.spellings import ALIASES, OBSOLETE, POSITIONAL, REFUSED, RENAMED, VALUES
from isonet.commands import COMMANDS, Command
from isonet.config import StepConfig
from reference_columns import COLUMNS, RELION_COLUMNS, SUBTOMO_COLUMNS, Column
from reference_messages import messages

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
NOTICE = "<!-- Made by scripts/reference.py from the code: change it there. -->"
_SCALARS = {"integer": "whole number", "number": "number", "boolean": "switch", "string": "text", "array": "list"}
_KINDS = {"Duration": "duration", "Size": "memory", "Path": "path", "Angle": "degrees", "Files": "paths"}
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def pages() -> dict[str, str]:
    """Text of each page by its file name."""
    texts = {
        "commands.md": _commands_page(),
        "columns.md": _columns_page(),
        "messages.md": _messages_page(),
        "spellings.md": _spellings_page(),
    }
    return {name: f"{NOTICE}\n\n{text.rstrip()}\n" for name, text in texts.items()}


def stale() -> list[str]:
    """Names of the pages that are not as the code has it."""
    found = {name: FOLDER / name for name in pages()}
    return [
        name
        for name, text in pages().items()
        if not found[name].exists() or found[name].read_text(encoding="utf-8") != text
    ]


def _commands_page() -> str:
    """Every command with its arguments and options."""
    known = tuple(COMMANDS.values())
    parts = [
        "# Commands and options",
        "As `isonet COMMAND --help` has them. Dashes and underscores are the same. Every command also takes "
        "`--config FILE.yaml`, a file with one `option: value` a line, and `--debug`, which shows where an error "
        "comes from. What is given on the command line comes before the file, the file before a preset, the "
        "preset before the default.",
        "A *duration* is written `90` (seconds), `20min`, `1.5h`, `2d` or `1:30:00`; *memory* `4GB` or `500MB`; a"
        " *list* with commas; a *switch* `--name` or `--no-name`. Å, degrees, kV and mm are the units throughout,"
        " grey values those of the file. A dash in place of a default means that the option is left to the "
        "program, as described.",
        "| command | does |\n|---|---|\n"
        + "\n".join(f"| [`{one.name}`](#{one.name}) | {one.summary} |" for one in known),
    ]
    described: dict[tuple[str, str], str] = {}
    for command in known:
        parts += [f"## {command.name}", command.summary, *_arguments(command), *_options(command, described)]
    return "\n\n".join(parts)


def _arguments(command: Command) -> Iterator[str]:
    """What stands on the command line without a name."""
    if command.arguments:
        rows = (
            f"| `{one.name.upper()}{' ...' if one.many else ''}` | {one.help}{'' if one.required else ' (optional)'} |"
            for one in command.arguments
        )
        yield "| argument | |\n|---|---|\n" + "\n".join(rows)


def _options(command: Command, described: dict[tuple[str, str], str]) -> Iterator[str]:
    """Options of a command; those that an earlier command has alike are only named."""
    schema = command.model.model_json_schema()
    rows, shared = [], dict[str, list[str]]()
    for name, field in command.model.model_fields.items():
        row = _row(command.model, name, schema["properties"][name])
        before = described.get((name, row))
        if before is None or field.description is None:
            described[name, row] = command.name
            rows.append(row)
        else:
            shared.setdefault(before, []).append(f"`--{_dashed(name)}`")
    if rows:
        yield "| option | value | default | |\n|---|---|---|---|\n" + "\n".join(rows)
    for before, names in shared.items():
        yield f"As for [`{before}`](#{before}): {', '.join(names)}."


def _row(model: type[StepConfig], name: str, schema: dict[str, Any]) -> str:
    """One option as a row of a table."""
    field = model.model_fields[name]
    value = " ".join(
        part
        for part in (_kind(field.annotation, field.metadata, schema), _bounds(field.annotation, field.metadata))
        if part
    )
    text = " ".join((field.description or "").split())
    cells = (f"`--{_dashed(name)}`", value, _default(field.default), text)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(annotation: object, metadata: list[Any], schema: dict[str, Any]) -> str:
    """What an option takes, in words."""
    choices = [str(choice) for part in _parts(schema) for choice in part.get("enum", [])]
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    known = f"{annotation} {metadata}"
    named = {"Path": "Path", "Duration": "parse_duration", "Size": "parse_size"}
    for kind, mark in named.items():
        if mark in known:
            many = kind == "Path" and any(part.get("type") == "array" for part in _parts(schema))
            return "paths" if many else _KINDS[kind]
    return next((_SCALARS[part["type"]] for part in _parts(schema) if part.get("type") in _SCALARS), "text")


def _bounds(annotation: object, metadata: Iterable[object]) -> str:
    """Bounds of a number, or of the numbers of a list."""
    found = [
        f"{sign} {getattr(one, key):g}"
        for one in _constraints(annotation, metadata)
        for key, sign in _BOUNDS.items()
        if getattr(one, key, None) is not None
    ]
    return ", ".join(dict.fromkeys(found))


def _constraints(annotation: object, metadata: Iterable[object]) -> Iterator[object]:
    """All that limits a value, within unions, lists and annotations too."""
    for one in metadata:
        yield from _constraints(None, one.metadata) if isinstance(one, FieldInfo) else [one]
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from (
                _constraints(part, ()) if get_origin(part) or isinstance(part, type) else _constraints(None, [part])
            )


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and its alternatives."""
    return [schema, *schema.get("anyOf", [])]


def _default(value: object) -> str:
    """A default as it would be typed."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return f"`{','.join(map(str, value))}`"
    if isinstance(value, int) and value >= 1_000_000_000:
        return f"`{value // 1_000_000_000}GB`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _columns_page() -> str:
    """Every column of the tables."""
    sections = (
        (
            "The table of tomograms",
            "`tomograms.star`, one row per tomogram, written by `prepare`. Tables of IsoNet 1 and 2 are read as they "
            "are. Columns that are not listed here are kept as they are. A missing value is the text `None`. Paths are "
            "relative to the folder of the table, or else to the nearest folder above it where there is such a file. "
            "All that lies in the working folder of `prepare` is named so, from tables in sub-folders as `../...`: a "
            "project that is copied or moved whole finds its own files. If only the folder of the table is moved, they "
            "are taken from where they were, with a warning. Files elsewhere have absolute names.",
            COLUMNS,
        ),
        (
            "The table of sub-volumes",
            "`subtomo.star`, one row per sub-volume, told by `rlnImageName`.",
            SUBTOMO_COLUMNS,
        ),
        (
            "Tables of RELION 5",
            "What `prepare --metadata` and `extract --coordinates` look for, and what `prepare --relion5` writes.",
            RELION_COLUMNS,
        ),
    )
    parts = ["# Columns of the tables"]
    for title, text, columns in sections:
        rows = "\n".join(f"| `{name}` | {_column(column)} |" for name, column in columns.items())
        parts += [f"## {title}", text, f"| column | written by | unit | |\n|---|---|---|---|\n{rows}"]
    return "\n\n".join(parts)


def _column(column: Column) -> str:
    return f"{column.writer} | {column.unit} | {column.meaning}"


def _messages_page() -> str:
    """Every error and warning of the commands, with its remedy."""
    parts = [
        "# Error messages",
        "An error is one line on the standard error that begins with `isonet:`, names the file and the value, and says "
        "what to do. The program then ends with a code:",
        "| code | means |\n|---|---|\n"
        "| 0 | done, or stopped as planned by `--max-time` |\n"
        "| 1 | the run failed: the disk, memory, a training that diverges |\n"
        "| 2 | the command line or its input cannot be used |\n"
        "| 128 + n | ended by signal n (130 after Ctrl-C, 143 after SIGTERM); what was computed is saved |",
        "`run.log` in the output folder has all that was said, with tracebacks; `status.json` there says how the run "
        "ended and why. An error that begins with `isonet: unexpected` is a defect of the program: please report "
        "it with what `--debug` shows. The lists below are all messages in the code, first those of any command, then "
        "by command; words in angle brackets stand for values. Search for a few words of yours that are no values.",
    ]
    for title, note, kind in (
        ("Errors", "They end the command.", "error"),
        ("Warnings", "The command goes on; read them.", "warning"),
    ):
        parts += [f"## {title}", note]
        for place, texts in messages(kind).items():
            parts += [f"### {place} ({kind}s)", "\n".join(f"- {text}" for text in texts)]
    return "\n\n".join(parts)


def _spellings_page() -> str:
    """IsoNet's words and ours."""
    parts = [
        "# Spellings of IsoNet 1 and 2",
        "What is not listed has the same name here. Underscores and dashes are the same. *Refused* means that the flag "
        "would change the result and has no like. How to move is in [From IsoNet 1 or 2](../from-isonet.md).",
        "## Commands",
        _table(("IsoNet", "here"), ((f"`{old}`", f"`{new}`") for old, new in ALIASES.items())),
        "## Flags",
    ]
    rows = []
    for command in sorted({*POSITIONAL, *RENAMED, *OBSOLETE, *REFUSED}):
        rows += [(command, f"`{flag}`", "given without a name") for flag in POSITIONAL.get(command, ())]
        rows += [(command, f"`{flag}`", f"`{here}`") for flag, here in RENAMED.get(command, {}).items()]
        rows += [(command, f"`{flag}`", f"not needed: {why}") for flag, why in OBSOLETE.get(command, {}).items()]
        rows += [(command, f"`{flag}`", f"refused: {why}") for flag, why in REFUSED.get(command, {}).items()]
    parts.append(_table(("command", "IsoNet", "here"), rows))
    values = ((f"`{flag}`", f"`{old}`", f"`{new}`") for flag, pairs in VALUES.items() for old, new in pairs.items())
    return "\n\n".join([*parts, "## Values", _table(("flag", "IsoNet", "here"), values)])


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def main() -> int:
    """Write the pages, or with `--check` only compare."""
    if "--check" in sys.argv[1:]:
        names = stale()
        for name in names:
            print(f"docs/reference/{name} is not up to date: python scripts/reference.py")
        return int(bool(names))
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
