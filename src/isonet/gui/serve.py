"""`isonet gui`: makes the interface, prints where it is, and serves it until Ctrl-C."""

import getpass
import importlib.util
import ipaddress
import os
import secrets
import socket
import sys
from contextlib import suppress
from pathlib import Path

from isonet.config import GuiConfig
from isonet.errors import InputError, RunError
from isonet.gui.files.access import Roots

PACKAGE = "nicegui>=3.18,<4"
"""What the interface needs, as the extra `gui` says."""


def serve(project: Path, config: GuiConfig) -> None:
    """Serve the interface of a project folder.

    Raises
    ------
    InputError
        If a folder does not exist, the address belongs to others than this machine without `allow_remote`, or the
        packages of the interface are not installed.
    RunError
        If the port is taken.
    """
    roots = Roots.of(project, config.data)
    if not config.allow_remote and not _is_loopback(config.host):
        raise InputError(
            f"--host {config.host}: other machines could reach the interface; leave it out and use the 'ssh -L' line, "
            "or add --allow-remote"
        )
    if importlib.util.find_spec("nicegui") is None:
        raise InputError(f"the browser interface is not installed; run: {sys.executable} -m pip install '{PACKAGE}'")
    with _listening(config.host, config.port) as listener:
        port = int(listener.getsockname()[1])
        token = secrets.token_urlsafe(24)
        print(_greeting(roots.project, config.host, port, token), flush=True)
        from isonet.gui.app import run  # noqa: PLC0415  # takes seconds, and the words before do not need it

        with suppress(KeyboardInterrupt):
            run(roots, listener, token)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """Open the port."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)  # a browser that is early waits instead of failing
    except OSError as error:
        raise RunError(f"{host}:{port}: cannot be listened on ({error.strerror}); choose another --port") from error
    return listener


def _greeting(project: Path, host: str, port: int, token: str) -> str:
    """What to open, here and from afar."""
    local = f"[{host}]" if ":" in host else host
    name = socket.gethostname()
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return "\n".join(
        [
            f"isonet shows {project}",
            f"open             http://{local}:{port}/?token={token}",
            f"from elsewhere   ssh -L {port}:{local}:{port} {user}@{name}",
            f"                 then open http://localhost:{port}/?token={token}",
            "end with Ctrl-C; jobs at work run on",
        ]
    )
