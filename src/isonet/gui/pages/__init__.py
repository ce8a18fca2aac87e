"""Pages of the interface; each shows what is in files at the moment, and keeps nothing of its own."""

from isonet.gui.pages import adding, inspection, jobs, masks, overview, steps, validation
from isonet.gui.pages.session import Session


def add_pages(session: Session) -> None:
    """Add every page."""
    overview.add(session)
    adding.add(session)
    steps.add(session)
    jobs.add(session)
    inspection.add(session)
    masks.add(session)
    validation.add(session)
