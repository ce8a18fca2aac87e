"""Table in; `subtomo/<name>_000001.mrc` ... and the table `subtomo.star`, which refine can train from, out."""

from isonet.steps.extract.step import extract_in_folder

__all__ = ["extract_in_folder"]
