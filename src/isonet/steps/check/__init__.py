"""The machine in; a table of what it offers, a self-test, and what is fastest on each GPU out.

::

    step ──> fastest        layout, precision, algorithms, compiling: measured, compared with the CPU, remembered
"""

from isonet.steps.check.step import check

__all__ = ["check"]
