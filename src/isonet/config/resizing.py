"""Options of `resize`."""

from pathlib import Path

from pydantic import Field

from isonet.config.base import Size, StepConfig


class ResizeConfig(StepConfig):
    """Options of `resize`."""

    pixel_size: float = Field(10.0, gt=0, le=1000)
    """Å per voxel of the results."""
    output_dir: Path = Path("resized")
    """Folder for the resized tomograms."""
    tomo_idx: str | None = None
    """Tomograms to resize, by rlnIndex: 1,3-5; all if left out. The new table has these alone."""
    max_memory: Size = 4_000_000_000
    """Memory to use at most (4GB, 500MB), all included; larger tomograms are streamed from and to the disk."""
    overwrite: bool = False
    """Replace resized tomograms that this program did not write or that come from other input, and their table."""
