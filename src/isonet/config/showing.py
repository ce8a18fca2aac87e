"""Options of `report`, `open` and `gui`, which show what was done."""

from pathlib import Path

from pydantic import Field

from isonet.config.base import Files, StepConfig


class ReportConfig(StepConfig):
    """Options of `report`."""

    output: Path | None = None
    """HTML file to write, with its numbers beside it (.json) and a script for ChimeraX (.cxc); if left out,
    report.html in the folder, or beside the table."""
    validation: Path | None = None
    """Folder of validate, or its validation.json; found beside the table if left out."""
    tomo_idx: str | None = None
    """Tomograms to show in pictures, by rlnIndex: 1,3-5; the first four that are corrected if left out."""


class OpenConfig(StepConfig):
    """Options of `open`."""

    output_dir: Path | None = None
    """Folder for the scripts; if left out, open beside the table."""
    validation: Path | None = None
    """Folder of validate, or its validation.json, for the confidence; found beside the table if left out."""
    tomo_idx: str | None = None
    """Tomograms to open, by rlnIndex: 1,3-5; all that are corrected if left out."""


class GuiConfig(StepConfig):
    """Options of `gui`."""

    port: int = Field(0, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen on; another one than this machine's own needs --allow-remote."""
    allow_remote: bool = False
    """Let other machines reach the interface; whoever has its address with the token can run commands as you."""
    data: Files = ()
    """Further folders with tomograms that may be shown, separated by commas."""
