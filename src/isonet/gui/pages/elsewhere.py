"""The same volumes in other programs: the command to copy, and a button where the program can open a window."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from nicegui import ui

from isonet.io.volume_files import is_zarr

PROGRAMS = ("3dmod", "chimerax", "napari")
_OPENED: list[subprocess.Popen[bytes]] = []
"""Programs opened here, kept so that they are waited for when they end."""


def draw(paths: Sequence[Path]) -> None:
    """Draw a line for each program."""
    with ui.expansion("Open in another program").classes("w-full").props('dense data-testid="elsewhere"'):
        any_zarr = any(map(is_zarr, paths))
        for program in PROGRAMS:
            with ui.row().classes("w-full items-center no-wrap"):
                text = shlex.join([program, *map(str, paths)])
                ui.label(text).classes("command")
                copy = ui.button(icon="content_copy", on_click=lambda _=None, text=text: _copy(text))
                copy.props(f'flat aria-label="Copy the command for {program}"')
                why_not = obstacle(program) or ("opens no OME-Zarr" if program != "napari" and any_zarr else "")
                button = ui.button("Open", on_click=lambda _=None, program=program: _open(program, paths))
                button.props(f'outline dense no-caps data-testid="open-{program}"').set_enabled(not why_not)
                if why_not:
                    ui.label(why_not).classes("muted").style("white-space: nowrap")


def obstacle(program: str, environment: Mapping[str, str] = os.environ) -> str:
    """Why a program cannot be opened from here; empty where it can."""
    if shutil.which(program, path=environment.get("PATH")) is None:
        return "not installed here"
    return "" if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") else "no screen here"


def start(program: str, paths: Sequence[Path]) -> None:
    """Open files in a program of its own, on the screen of the machine where the interface runs."""
    _OPENED[:] = [each for each in _OPENED if each.poll() is None]
    nowhere = subprocess.DEVNULL
    words = [program, *map(str, paths)]
    _OPENED.append(subprocess.Popen(words, start_new_session=True, stdin=nowhere, stdout=nowhere, stderr=nowhere))


def _open(program: str, paths: Sequence[Path]) -> None:
    try:
        start(program, paths)
    except OSError as error:
        ui.notify(f"{program}: cannot be started ({error.strerror})", type="negative")
    else:
        ui.notify(f"{program} opens on the screen of this machine")


def _copy(text: str) -> None:
    ui.clipboard.write(text)
    ui.notify("copied")
