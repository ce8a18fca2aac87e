"""The parser of the command line, made from the list of commands; help and options come from there alone."""

import textwrap
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Group

from isonet.cli.completion import add_completion
from isonet.cli.version import version
from isonet.commands import COMMANDS, GROUPS, Argument, Command

_FLAT = cyclopts.Parameter(name="*")  # each field of the model is an option
_WIDTH = 112  # of the lines in a docstring
_GROUPS = {name: Group(name, sort_key=place) for place, name in enumerate(GROUPS)}

app = App(
    name="isonet",
    help="Isotropic reconstruction of cryo-electron tomograms: fills the missing wedge, learning from the tomogram.",
    help_epilogue="Every command also takes --config FILE.yaml (its options in a file) and --debug (full tracebacks).",
    version=version,
    help_format="plaintext",
    sort_key=None,
)


def _parameter(argument: Argument) -> Parameter:
    """Argument without a name, as the parser understands it."""
    if argument.many:
        return Parameter(argument.name, Parameter.VAR_POSITIONAL, annotation=Path)
    if argument.required:
        return Parameter(argument.name, Parameter.POSITIONAL_ONLY, annotation=Path)
    kind: Any = Path if argument.default is not None else Path | None
    return Parameter(argument.name, Parameter.POSITIONAL_ONLY, annotation=kind, default=argument.default)


def _documentation(command: Command) -> str:
    """Docstring in numpydoc, from which the parser takes the help."""
    lines = [command.summary]
    if command.arguments:
        lines += ["", "Parameters", "----------"]
    for argument in command.arguments:
        lines += [argument.name, textwrap.indent(textwrap.fill(argument.help, _WIDTH), "    ")]
    return "\n".join(lines)


def _function(command: Command) -> Callable[..., None]:
    """Make the function that the parser calls: it begins the command's work."""
    options: Any = Annotated[command.model, _FLAT]
    config = Parameter("config", Parameter.KEYWORD_ONLY, annotation=options, default=command.model())
    signature = Signature([*map(_parameter, command.arguments), config])

    def begin(*arguments: Path, **options: Any) -> None:
        bound = signature.bind(*arguments, **options)
        bound.apply_defaults()
        module, _, name = command.begins.partition(":")
        getattr(import_module(module), name)(*bound.arguments.values())

    begin.__doc__ = _documentation(command)
    begin.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    begin.__signature__ = signature  # type: ignore[attr-defined]
    return begin


FUNCTIONS = {_function(command): command for command in COMMANDS.values()}
"""Command that each function of the parser begins."""
for _place, (_begin, _command) in enumerate(FUNCTIONS.items()):
    app.command(_begin, name=_command.name, alias=_command.alias, group=_GROUPS[_command.group], sort_key=_place)
add_completion(app)
