"""Warnings of a command: collected while it works, so that they can be counted at its end and kept."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("isonet")
WORD = "warning: "
"""What a line that needs the user begins with."""
_KEPT = 200  # texts; the others are only counted


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
        return f"{count} warning{'s' if count > 1 else ''}, see above" if count else ""

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
