"""Signals that ask the program to end: they end it in good order, with what it half wrote removed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from isonet.errors import IsonetError

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


def behind(error: BaseException) -> Interruption | None:
    """Find the interruption that an error came from: a library that is interrupted may fail in its own words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Interruption):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Install a handler for all signals that end the program (only possible in the main thread).

    Raises
    ------
    Interruption
        Also in place of what a library made of it. Errors that tell the user something stay.
    """
    try:
        previous = {number: signal.signal(number, handler) for number in HANDLED_SIGNALS}
    except ValueError:
        yield
        return
    try:
        yield
    except (IsonetError, OSError, MemoryError):
        raise
    except Exception as error:
        interruption = behind(error)
        if interruption is None:
            raise
        raise Interruption(interruption.number) from error
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
