"""A job that RELION can abort: it asks by a file, and the job ends as after a signal, with its state saved."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from isonet.io.programs.relion_job import Job

_SECONDS = 1.0


@contextmanager
def abortable(job: Job) -> Iterator[None]:
    """Look for the file while the block runs, and send this process the signal that ends it in good order."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_SECONDS):
            if job.abort_asked:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watcher = threading.Thread(target=look, name="relion abort", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
