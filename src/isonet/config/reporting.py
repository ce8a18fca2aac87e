"""Options of `report`: what goes into it, and where it goes."""

from pathlib import Path

from isonet.config.base import StepConfig


class ReportConfig(StepConfig):
    """Options of `report`."""

    output: Path | None = None
    """HTML file to write, with its numbers beside it (.json) and a script for ChimeraX (.cxc); if left out,
    report.html in the folder, or beside the table."""
    validation: Path | None = None
    """Folder of validate, or its validation.json; found beside the table if left out."""
    tomo_idx: str | None = None
    """Tomograms to show in pictures, by rlnIndex: 1,3-5; the first four that are corrected if left out."""
