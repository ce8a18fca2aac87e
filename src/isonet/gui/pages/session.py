"""What all pages share: the folders, the volumes, the jobs, the table, and what the user is looking at."""

from dataclasses import dataclass, field
from pathlib import Path

from isonet.gui.files import table
from isonet.gui.files.access import Roots
from isonet.gui.jobs import stages
from isonet.gui.jobs.forms import Form
from isonet.gui.jobs.queue import Jobs
from isonet.gui.jobs.stages import Way
from isonet.gui.pictures.slices import Volumes
from isonet.project.table import Project


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
        """Read the table; see :func:`isonet.gui.files.table.read`."""
        return table.read(self.table)

    def way(self) -> Way:
        """How far the project is, and what to do now."""
        return stages.way(self.roots.project, self.project(), self.jobs.all())
