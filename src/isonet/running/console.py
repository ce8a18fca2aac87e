"""What the program says while it works: log lines and progress bars on standard error."""

import logging
import sys

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from isonet.running.warned import WORD

log = logging.getLogger("isonet")
_console = Console(stderr=True)


class _Lines(logging.Formatter):
    """Lines of the log in which what needs the user begins with a word of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that logging calls
        if record.levelno >= logging.WARNING:
            record.message = WORD + record.message
        return super().formatMessage(record)


def log_to_console(debug: bool) -> None:
    """Send log records to standard error: coloured on a terminal, plain lines elsewhere."""
    logging.raiseExceptions = False  # a full disk must not print tracebacks
    log.setLevel(logging.DEBUG)
    log.handlers.clear()
    handler: logging.Handler
    if sys.stderr.isatty():
        handler = RichHandler(console=_console, show_path=False, show_level=False, markup=False)
        handler.setFormatter(_Lines("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Lines("%(asctime)s %(message)s", "%H:%M:%S"))
    handler.setLevel(logging.DEBUG if debug else logging.INFO)
    log.addHandler(handler)


def progress_bar() -> Progress:
    """Return a bar with the number of items done, elapsed time and time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=_console)


def duration_text(seconds: float) -> str:
    """Write a duration as `H:MM:SS`."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
