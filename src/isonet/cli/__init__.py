"""The command line: words of the user in, one command of `isonet.commands` begun, one line and an exit code out.

::

    spellings ──> arguments ──> application ──> dispatch          IsoNet's words, one spelling, parsed, called
"""

import os

from isonet.cli.dispatch import main

# before numpy is loaded: its products are small here, and its threads wait by computing, with which prepare takes half
# as long again; PyTorch has threads of its own
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__all__ = ["main"]
