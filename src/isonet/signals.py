"""Signals that ask the program to end: they end it in good order, with what it half wrote removed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
HANDLED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Interruption(BaseException):
    """A signal asked the program to end; exit code 128 + number."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    def __reduce__(self) -> tuple[type["Interruption"], tuple[int]]:
        """Say how to make it again in another process."""
        return Interruption, (self.number,)


def interrupt(number: int, _frame: FrameType | None) -> None:
    """Signal handler: raise `Interruption`."""
    raise Interruption(number)


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Install a handler for all signals that end the program (only possible in the main thread)."""
    try:
        previous = {number: signal.signal(number, handler) for number in HANDLED_SIGNALS}
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
