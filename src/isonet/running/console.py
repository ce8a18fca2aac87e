"""What the program says while it works: log lines, warnings and progress bars on standard error."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from isonet.io.text import counted

log = logging.getLogger("isonet")
_console = Console(stderr=True)
WORD = "warning: "
"""What a line that needs the user begins with."""
_KEPT = 200  # texts; the others are only counted
_held: ContextVar[list[logging.LogRecord] | None] = ContextVar("_held", default=None)


class _Lines(logging.Formatter):
    """Lines of the log in which what needs the user begins with a word of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name that logging calls
        if record.levelno >= logging.WARNING:
            record.message = WORD + record.message
        return super().formatMessage(record)


class _Once(logging.Filter):
    """Lets a warning through the first time, as it is counted: what is wrong with a table concerns each of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is news."""
        if record.levelno < logging.WARNING:
            return True
        text = record.getMessage()
        news = text not in self._said
        self._said.add(text)
        return news


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
    handler.addFilter(_Once())
    log.addHandler(handler)


def progress_bar() -> Progress:
    """Return a bar with the number of items done, elapsed time and time left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=_console)


def duration_text(seconds: float) -> str:
    """Write a duration as `H:MM:SS`."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


class Warned(logging.Handler):
    """Collects the texts of warnings, each once.

    Attributes
    ----------
    texts : list of str
        What was said, in order.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take the text of a record that is a warning or worse."""
        self.add([record.getMessage()])

    def add(self, texts: list[str]) -> None:
        """Take texts that were said elsewhere, by another process of the command."""
        self.texts += [text for text in dict.fromkeys(texts) if text not in self.texts]

    @property
    def summary(self) -> str:
        """How many there were, for the last line; empty where there were none."""
        count = len(self.texts)
        return f"{counted(count, 'warning')}, see above" if count else ""

    @property
    def kept(self) -> list[str]:
        """Texts as files keep them: the first of them, and how many more there were."""
        more = len(self.texts) - _KEPT
        return self.texts[:_KEPT] + ([f"and {more} more, see run.log"] if more > 0 else [])


@contextmanager
def collected() -> Iterator[Warned]:
    """Collect what is warned of within a block."""
    warned = Warned()
    log.addHandler(warned)
    try:
        yield warned
    finally:
        log.removeHandler(warned)


@contextmanager
def held() -> Iterator[list[logging.LogRecord]]:
    """Hold back what this thread says within a block: who reads the list may say it later."""
    said: list[logging.LogRecord] = []
    before = _held.set(said)
    try:
        yield said
    finally:
        _held.reset(before)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send log records to the run's log file while the step runs."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        with suppress(OSError):  # on a full disk the error under way matters more
            handler.close()


def _is_said(record: logging.LogRecord) -> bool:
    """Let a record through, unless it is held back."""
    held_back = _held.get()
    if held_back is None:
        return True
    held_back.append(record)
    return False


log.addFilter(_is_said)
