"""Table in; `validation.json`, figures and a map of confidence out: how far the filled wedge can be believed.

::

    withhold ──> (refine, predict without it) ──> scores, numbers of `isonet.validation` ──> pictures
    independent: two networks that know nothing of each other, and where they agree
"""

from isonet.steps.validate.step import validate

__all__ = ["validate"]
