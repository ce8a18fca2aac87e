"""Several things worked on at once, in threads, while what is said and found comes in the order of the things."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from isonet.running.console import held

log = logging.getLogger("isonet")
AT_ONCE = 2
"""Threads: what is not numpy waits for the interpreter, so that more would win little and cost memory."""
Thing = TypeVar("Thing")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Outcome(Generic[Found]):
    """What was found of one thing, or why nothing was, and what was said meanwhile."""

    said: list[logging.LogRecord]
    found: Found | None = None
    error: Exception | None = None

    def told(self) -> Found:
        """Say what was said, and return what was found or raise the error."""
        for record in self.said:
            log.handle(record)
        if self.error is not None:
            raise self.error
        return self.found  # type: ignore[return-value]


def in_threads(work: Callable[[Thing], Found], things: Iterable[Thing]) -> Iterator[Outcome[Found]]:
    """Work on a few things at once.

    Parameters
    ----------
    work : callable
        What is done with each, in a thread.
    things : iterable
        Taken one after the other, in the thread of the caller. What is said then, or raised, is of the next thing.

    Yields
    ------
    Outcome
        One for each, in order.
    """
    with ThreadPoolExecutor(AT_ONCE) as threads:
        begun: deque[Future[Outcome[Found]]] = deque()
        for said, thing in _taken(iter(things)):
            begun.append(threads.submit(_done, work, thing, said))
            if len(begun) > AT_ONCE:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _taken(things: Iterator[Thing]) -> Iterator[tuple[list[logging.LogRecord], Future[Thing]]]:
    """Take one thing after the other, up to an error, with what was said meanwhile."""
    failed = False
    while not failed:
        thing: Future[Thing] = Future()
        with held() as said:
            try:
                thing.set_result(next(things))
            except StopIteration:
                return
            except Exception as error:
                thing.set_exception(error)
                failed = True
        yield said, thing


def _done(work: Callable[[Thing], Found], thing: Future[Thing], before: list[logging.LogRecord]) -> Outcome[Found]:
    """Work on one thing; what was said before comes first."""
    with held() as said:
        try:
            found = work(thing.result())
        except Exception as error:
            return Outcome([*before, *said], error=error)
    return Outcome([*before, *said], found)
