"""The application: pages, pictures and the queue of jobs behind the guard."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import FastAPI, Response
from nicegui import ui

from isonet.errors import IsonetError
from isonet.gui.files import reports
from isonet.gui.files.access import Roots
from isonet.gui.guard import Guard
from isonet.gui.jobs import queue as jobs
from isonet.gui.jobs.queue import Jobs
from isonet.gui.pages import add_pages
from isonet.gui.pages.session import Session
from isonet.gui.pictures import images

_SECONDS = 1.0


def run(roots: Roots, listener: socket.socket, token: str) -> None:
    """Serve the interface on an open port until it is told to end."""
    session = Session(roots, Jobs(roots.project))
    guarded = Guard(application(session), token, int(listener.getsockname()[1]))
    config = uvicorn.Config(guarded, log_level="error", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def application(session: Session) -> FastAPI:
    """Make the application of a session."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        queue = asyncio.create_task(_keep_house(session))
        yield
        queue.cancel()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/alive", _alive)
    images.add_routes(app, session.roots, session.volumes)
    reports.add_route(app, session.roots)
    add_pages(session)
    ui.run_with(app, title="isonet", favicon=_ICON, dark=None, show_welcome_message=False, reconnect_timeout=10)
    return app


async def _alive() -> Response:
    """Answer at once, however many pictures are being drawn."""
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _keep_house(session: Session) -> None:
    """Start queued jobs as devices become free, and give back the memory of volumes that nobody looks at."""
    while True:
        with suppress(IsonetError, OSError):
            await asyncio.to_thread(session.jobs.start_waiting)
        jobs.reap()
        session.volumes.rest()
        await asyncio.sleep(_SECONDS)


_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="#17324d"/>'
    '<path d="M16 16 L4 9 A14 14 0 0 0 4 23 Z M16 16 L28 9 A14 14 0 0 1 28 23 Z" fill="#4cc9a0"/></svg>'
)
