"""One call of the program: understand the words, begin the command, and say in one line what went wrong.

Nothing heavy is imported before a command runs, so that help answers at once.
"""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NoReturn

from cyclopts import CycloptsError
from pydantic import ValidationError

from isonet.cli.application import FUNCTIONS, app
from isonet.cli.arguments import config_files, normalized, refuse_special_paths
from isonet.cli.completion import INSTALL_COMPLETION
from isonet.cli.messages import message
from isonet.cli.spellings import translated
from isonet.commands import Command
from isonet.errors import IsonetError
from isonet.train.memory import is_out_of_memory

log = logging.getLogger("isonet")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 run failed, 2 bad usage or input, 128 + n after a signal."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        code = _dispatch([word for word in words if word != "--debug"], debug)
        sys.stdout.flush()
        sys.exit(code)
    except (IsonetError, ValidationError, CycloptsError, OSError, MemoryError) as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            sys.exit(128 + signal.SIGPIPE)
        if words[:1] == ["relion"]:
            from isonet.io.programs.relion_job import mark_unread

            mark_unread(words)
        if debug:
            raise
        _fail(message(error), error.exit_code if isinstance(error, IsonetError) else _exit_code(error))
    except KeyboardInterrupt:
        _fail("interrupted", 130)


def _dispatch(words: list[str], debug: bool) -> int:
    """Run one command."""
    translation, notes = translated(words, _count_gpus)
    tokens = normalized(translation)
    app.config = config_files(tokens)
    if not tokens:
        from isonet.cli.here import advise

        print(advise(Path()))
        return 0
    if tokens[0] == INSTALL_COMPLETION or any(token in ("--help", "-h", "--version") for token in tokens):
        app(tokens, exit_on_error=False, print_error=False)
        return 0
    begin, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    refuse_special_paths([*bound.args, *bound.kwargs.values()])
    from isonet.running.console import collected, log_to_console
    from isonet.running.signals import Interruption, handled_by, interrupt

    command = FUNCTIONS[begin]
    log_to_console(debug)
    for note in notes:
        log.info("%s", note)
    try:
        ending = nullcontext() if command.serves else handled_by(interrupt)  # a signal is how the interface ends
        with collected() as warned, ending:
            begin(*bound.args, **bound.kwargs)
        if warned.summary:
            log.info("%s", warned.summary)
    except Interruption as stop:
        print(f"isonet: {stop}; {_how_to_go_on(command)}", file=sys.stderr)
        return 128 + stop.number
    except (IsonetError, OSError, MemoryError):
        raise
    except Exception as error:
        if debug:
            raise
        if is_out_of_memory(error):
            raise MemoryError from error
        kind, text = type(error).__name__, " ".join(str(error).split())
        print(f"isonet: unexpected {kind}: {text}; --debug shows where it comes from", file=sys.stderr)
        return 1
    return 0


def _how_to_go_on(command: Command) -> str:
    """Say what to do after a signal."""
    again = "give the same command again"
    return f"go on with --continue-from; where nothing was saved yet, {again}" if command.continues else again


def _count_gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _exit_code(error: BaseException) -> int:
    failed = isinstance(error, OSError | MemoryError) and not isinstance(error, NotADirectoryError)
    return 1 if failed else 2


def _nobody_reads() -> bool:
    """Tell whether who reads what is printed has had enough, as `head` does; then the rest goes nowhere."""
    try:
        print(flush=True)
    except BrokenPipeError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _fail(text: str, code: int) -> NoReturn:
    print(f"isonet: {text}", file=sys.stderr)
    sys.exit(code)
