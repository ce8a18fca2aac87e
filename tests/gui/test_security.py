"""Hostile requests are refused in one line, and many at once are served without growing."""

import http.client
import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from at_work import Interface, stop, write_hollow
from PIL import Image

from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.gui.serve import PACKAGE
from isonet.io.ome_zarr import library

SLICE = "/image/slice?path=tomograms/small.mrc"


ROUTES = ["/", "/jobs", "/step/refine", "/alive", SLICE, "/report?path=report.html", "/image/file?path=a.png"]
ROUTES += ["/_nicegui/static/nicegui.js", "/_nicegui_ws/socket.io/?EIO=4", "/nowhere"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("cookie", ["", "wrong", "é", "a" * 3000])
def test_without_the_token_nothing_is_served(interface: Interface, path: str, cookie: str) -> None:
    status, body = interface.get(path, cookie=quote(cookie))
    assert (status, b"token is missing or wrong" in body) == (403, True)


@pytest.mark.parametrize(("cookie", "status"), [("right", 101), ("wrong", 403), ("", 403)])
def test_a_websocket_needs_the_token_too(interface: Interface, cookie: str, status: int) -> None:
    place, _, port = interface.address.removeprefix("http://").partition(":")
    link = http.client.HTTPConnection(place, int(port), timeout=60)
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13"}
    value = interface.token if cookie == "right" else cookie
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Cookie": f"isonet_{port}={value}", **key}
    link.request("GET", "/_nicegui_ws/socket.io/?EIO=4&transport=websocket", headers=asked)
    assert link.getresponse().status == status
    link.close()


def test_the_address_with_the_token_opens_once_and_hides_it(interface: Interface) -> None:
    status, _ = interface.get(f"/?token={interface.token}x", cookie="")
    assert status == 403
    script = f"""
import http.client
link = http.client.HTTPConnection({interface.address.removeprefix("http://")!r})
link.request("GET", "/jobs?token={interface.token}&number=1")
answer = link.getresponse()
print(answer.status, answer.headers["location"], answer.headers["set-cookie"])
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.startswith("303 /jobs?number=1 ")
    assert "HttpOnly" in told
    assert "SameSite=strict" in told


def test_other_pages_may_not_use_the_cookie(interface: Interface) -> None:
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        status, body = interface.get(SLICE, headers={"Origin": origin})
        assert (status, body) == (403, b"This request comes from another page.\n")
    assert interface.get(SLICE, headers={"Origin": interface.address})[0] == 200


def test_files_outside_of_the_project_are_not_read(interface: Interface, tmp_path: Path) -> None:
    secret = tmp_path / "secret.mrc"
    secret.write_bytes((interface.project / "tomograms/small.mrc").read_bytes())
    (interface.project / "link.mrc").symlink_to(secret)
    (interface.project / "folder").symlink_to(tmp_path)
    (interface.project / "loop.mrc").symlink_to("loop.mrc")
    for path in (str(secret), "link.mrc", "folder/secret.mrc", "../../../../etc/passwd", "tomograms/../../x", "a\0b"):
        for kind in ("slice", "spectrum", "file", "outline"):
            status, body = interface.get(f"/image/{kind}?path={quote(path)}&plane=xz&index=0")
            assert status == 400, (kind, path)
            assert b"outside the project" in body or b"not a path" in body
    for path in ("loop.mrc", "", ".", "tomograms", "nothing.mrc", "%C3%28", "x" * 5000):
        status, body = interface.get(f"/image/slice?path={quote(path)}")
        assert (status, body.count(b"\n")) == (400, 1), body
    assert interface.get("/image/file?path=tomograms/small.mrc")[0] == 400  # no picture
    for name in ("link.mrc", "folder", "loop.mrc"):
        (interface.project / name).unlink()


STRANGE = ("x", "", "1.5", "-5", "nan", "inf", "1e300", "9" * 400, "\0", "é" * 900, "../..", "[]")
PARAMETERS = {
    "slice": ("plane", "index", "slab", "lowpass", "low", "high", "size", "reference", "quality"),
    "spectrum": ("plane", "low", "high"),
    "outline": ("plane", "index", "step"),
    "confidence": ("plane", "index", "step"),
    "automatic": ("index", "density", "deviation", "patch", "sign", "step"),
    "file": ("width",),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PARAMETERS.items() for name in names])
def test_numbers_that_make_no_sense_are_refused_in_a_line_or_served(interface: Interface, kind: str, name: str) -> None:
    right = {"plane": "xz", "index": "3", "density": "50", "deviation": "50"}
    served = set()
    for value in STRANGE:
        asked = urlencode({"path": "tomograms/small.mrc", **right, name: value})
        status, body = interface.get(f"/image/{kind}?{asked}")
        assert status in (200, 400, 422), (value, status)
        assert status == 200 or len(body) < 4000
        assert b"Traceback" not in body
        served |= {value} if status == 200 else set()
    assert served <= {"", "1.5", "-5"}, served
    assert "Traceback" not in interface.complaints


@pytest.mark.parametrize(
    "query",
    [
        "slab=65",
        "size=2049",
        "size=15",
        "reference=15",
        "reference=2049",
        "quality=96",
        "quality=-1",
        f"index={1 << 31}",
        "low=99&high=1",
        "low=5&high=5",
    ],
)
def test_ranges_that_make_no_sense_are_refused(interface: Interface, query: str) -> None:
    assert interface.get(f"{SLICE}&{query}")[0] in (400, 422)


def test_a_long_query_is_refused_or_served(interface: Interface) -> None:
    for length in (10_000, 60_000, 1_000_000):
        try:
            status, body = interface.get(f"{SLICE}&of={'x' * length}")
        except OSError:
            continue  # the line is closed on who asks so much
        assert status in (200, 400, 414, 431)
        assert b"Traceback" not in body
    assert interface.get(SLICE)[0] == 200


KINDS = {
    "slice": f"{SLICE}&lowpass=20&slab=9",
    "outline": "/image/outline?path=tomograms/small.mrc",
    "confidence": "/image/confidence?path=tomograms/small.mrc",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_pictures_at_once_are_the_same_each_time(interface: Interface, kind: str) -> None:
    def ask(number: int) -> bytes:
        plane = ("xy", "xz", "yz")[number % 3]
        status, body = interface.get(f"{KINDS[kind]}&plane={plane}&index={number % 30}")
        assert (status, body[:4]) == (200, b"\x89PNG")
        return body

    with ThreadPoolExecutor(25) as pool:
        first = list(pool.map(ask, range(100)))
        assert list(pool.map(ask, range(100))) == first
    assert "Traceback" not in interface.complaints


def test_a_hundred_pictures_of_a_large_volume_at_once_leave_memory_as_it_was(interface: Interface) -> None:
    """2 GB that take no room on the disk: averaged, filtered, transformed, and asked for beyond all ends."""
    large = write_hollow(interface.project / "large.mrc", (256, 1024, 2048))
    kinds = ("slice?size=256&lowpass=90", "slice?size=256&slab=9", "spectrum?low=-60&high=60", "slice?slab=99999999")

    def ask(number: int) -> int:
        kind, plane = kinds[number // 3 % 4], ("xy", "xz", "yz")[number % 3]
        index = (number * 17, (1 << 31) - 1, 10**30)[number // 12 % 3]
        status, body = interface.get(f"/image/{kind}&path=large.mrc&plane={plane}&index={index}")
        assert (body[:4] == b"\x89PNG") if status == 200 else b"Traceback" not in body
        return status

    used, done = [interface.memory()], Event()

    def watch() -> None:
        while not done.wait(0.02):
            used.append(interface.memory())

    with ThreadPoolExecutor(101) as pool:
        watching = pool.submit(watch)
        answers = list(pool.map(ask, range(100)))
        assert interface.get("/alive")[0] == 204
        done.set()
        watching.result()
    large.unlink()
    assert answers.count(200) == 52
    assert set(answers) == {200, 400}
    assert max(used) - used[0] < 200_000_000
    assert interface.memory() - used[0] < 120_000_000
    assert "Traceback" not in interface.complaints


def test_small_copies_of_pictures_are_small_and_broken_ones_are_refused(interface: Interface) -> None:
    Image.fromarray(np.zeros((300, 900), np.uint8)).save(interface.project / "picture.png")
    status, body = interface.get("/image/file?path=picture.png&width=90")
    assert status == 200
    assert Image.open(io.BytesIO(body)).size == (90, 30)
    whole = (interface.project / "picture.png").read_bytes()
    bomb = bytearray(whole)
    bomb[16:24] = (60000).to_bytes(4, "big") * 2
    for content in (whole[:40], whole[:-30], b"\x89PNG\r\n\x1a\n", b"", bytes(bomb), b"GIF89a" + whole):
        (interface.project / "broken.png").write_bytes(content)
        status, body = interface.get("/image/file?path=broken.png&width=90")
        assert (status, body.count(b"\n")) == (400, 1), body
    for width in ("0", "-1", "1000000", "x"):
        assert interface.get(f"/image/file?path=picture.png&width={width}")[0] == 422
    assert interface.complaints == ""


def test_the_greeting_tells_how_to_come_from_elsewhere(interface: Interface) -> None:
    port = interface.address.rpartition(":")[2]
    assert f"ssh -L {port}:127.0.0.1:{port} " in interface.greeting
    assert interface.greeting.count(interface.token) == 2
    assert len(interface.token) >= 32


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--host", "0.0.0.0"], "add --allow-remote"),
        (["--host", "example.org"], "add --allow-remote"),
        (["--data", "nowhere"], "no such folder"),
        (["--port", "70000"], "less than or equal to 65535"),
    ],
)
def test_a_start_that_is_not_safe_is_refused(tmp_path: Path, words: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "isonet", "gui", str(tmp_path), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_a_missing_extra_is_told_with_its_remedy(tmp_path: Path) -> None:
    script = f"import sys; sys.modules['nicegui'] = None; from isonet.cli import main; main(['gui', {str(tmp_path)!r}])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    pip = f"{sys.executable} -m pip install '{PACKAGE}'"
    assert done.stderr == f"isonet: the browser interface is not installed; run: {pip}\n"


def test_what_is_named_to_be_installed_is_what_the_extras_need() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'gui = ["{PACKAGE}"]' in text and f'zarr = ["{library.PACKAGE};' in text


def test_a_folder_named_at_the_start_is_open_and_its_neighbour_is_not(tmp_path: Path) -> None:
    for name in ("project", "data", "data2"):
        (tmp_path / name).mkdir()
    roots = Roots.of(tmp_path / "project", [tmp_path / "data"])
    assert roots.allowed(tmp_path / "data/x.mrc") == tmp_path / "data/x.mrc"
    assert roots.allowed("x.mrc") == tmp_path / "project/x.mrc"
    with pytest.raises(InputError, match=f"--data {tmp_path}/data2"):
        roots.allowed(tmp_path / "data2/x.mrc")


def test_it_ends_in_good_order(interface: Interface) -> None:
    stop(interface)
    assert interface.complaints == ""
