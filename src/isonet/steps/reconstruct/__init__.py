"""Reconstruct a real tilt series, with halves from every other tilt.

A stack, its tilts and its alignment go in; `geometry` brings them together, `checks` says what does not fit, and
`step` aligns, weights and back-projects.
"""

from isonet.steps.reconstruct.step import reconstruct

__all__ = ["reconstruct"]
