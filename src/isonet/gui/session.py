"""What all pages share: the folders, the volumes, the jobs, the table, and what the user is looking at."""

from dataclasses import dataclass, field
from pathlib import Path

from isonet.gui import table
from isonet.gui.access import Roots
from isonet.gui.forms import Form
from isonet.gui.jobs import Jobs
from isonet.gui.slices import Volumes
from isonet.project import Project


@dataclass
class Session:
    """One interface at work; everything lasting is in files, so that nothing is lost with it.

    Attributes
    ----------
    roots : Roots
        Folders that may be shown.
    jobs : Jobs
        Of the project folder.
    volumes : Volumes
        Open tomograms.
    forms : dict
        What was filled in so far, by command.
    dark : bool or None
        Theme; None follows the browser.
    chosen : str
        Index of the tomogram looked at.
    """

    roots: Roots
    jobs: Jobs
    volumes: Volumes = field(default_factory=Volumes)
    forms: dict[str, Form] = field(default_factory=dict)
    dark: bool | None = None
    chosen: str = ""

    @property
    def table(self) -> Path:
        """The table of tomograms."""
        return self.roots.project / table.NAME

    def project(self) -> Project | None:
        """Read the table; see :func:`isonet.gui.table.read`."""
        return table.read(self.table)
