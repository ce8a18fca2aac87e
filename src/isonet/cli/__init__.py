"""The command line: words of the user in, one command of `isonet.commands` begun, one line and an exit code out.

::

    spellings ──> arguments ──> application ──> dispatch          IsoNet's words, one spelling, parsed, called
"""

import os

from isonet.cli.dispatch import main

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
"""Numpy's products are small here, and its threads wait by computing: `prepare` takes two thirds of the time without.
PyTorch has threads of its own."""

__all__ = ["main"]
