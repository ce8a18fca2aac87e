"""Reports that `isonet report` left in the project, served as pages that can do nothing but be read."""

from pathlib import Path
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response

from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.running.run_record import REPORT_MARK

_LARGEST = 1 << 27
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # an origin of its own: whatever the file holds, it can neither ask this interface for anything nor anybody else
    "Content-Security-Policy": "sandbox allow-scripts allow-modals; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'",
}


def find(project: Path) -> list[Path]:
    """Reports of a project, the newest first."""
    found = [path for path in (*project.glob("report.html"), *project.glob("*/report.html")) if path.is_file()]
    return sorted(found, key=lambda path: -path.stat().st_mtime)


def address(path: Path) -> str:
    """Address of a report."""
    return "/report?" + urlencode({"path": path})


def add_route(app: FastAPI, roots: Roots) -> None:
    """Serve reports; what is none is answered with status 400 and one line."""

    @app.get("/report")
    def report(path: str) -> Response:
        try:
            return Response(_read(roots.allowed(path)), media_type="text/html", headers=_HEADERS)
        except InputError as error:
            return PlainTextResponse(f"{error}\n", status_code=400)


def _read(path: Path) -> bytes:
    if path.suffix.lower() != ".html" or not path.is_file() or path.stat().st_size > _LARGEST:
        raise InputError(f"{path}: not a report (.html)")
    content = path.read_bytes()
    if REPORT_MARK.encode() not in content[:2000]:
        raise InputError(f"{path}: not a report of isonet")
    return content
