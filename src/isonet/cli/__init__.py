"""The command line: words of the user in, one command of `isonet.commands` begun, one line and an exit code out.

::

    spellings ──> arguments ──> application ──> dispatch          IsoNet's words, one spelling, parsed, called
"""

from isonet.cli.dispatch import main

__all__ = ["main"]
