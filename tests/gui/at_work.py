"""An interface in a process of its own, on a project with one small tomogram."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np

SHAPE = (32, 64, 64)


@dataclass
class Interface:
    """`isonet gui` at work."""

    project: Path
    address: str
    token: str
    greeting: str
    process: subprocess.Popen[str]

    def get(self, path: str, *, cookie: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Ask for a page with the right cookie, or another; the answer's status and body."""
        port = self.address.rpartition(":")[2]
        sent = {"Cookie": f"isonet_{port}={self.token if cookie is None else cookie}", **(headers or {})}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self.address + path, headers=sent), timeout=120
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def memory(self) -> int:
        """Bytes that the process holds of its own (mapped files left out)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"RssAnon:\s+(\d+)", status)[0]) * 1024

    @property
    def complaints(self) -> str:
        """What it said on stderr."""
        return (self.project.parent / "interface.err").read_text()


def start(project: Path, *words: str) -> Interface:
    """Start `isonet gui` and wait until it answers."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    with (project.parent / "interface.err").open("a") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "isonet", "gui", str(project), *words],
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env={**environment, "OMP_NUM_THREADS": "1"},
        )
    assert process.stdout is not None
    greeting = "".join(process.stdout.readline() for _ in range(5))
    match = re.search(r"open +(http://\S+)/\?token=(\S+)", greeting)
    assert match is not None, greeting
    interface = Interface(project, match[1], match[2], greeting, process)
    assert interface.get("/image/file?path=x.png")[0] == 400  # waits until it is up
    return interface


def stop(interface: Interface, number: signal.Signals = signal.SIGINT) -> None:
    """End an interface."""
    if interface.process.poll() is None:
        interface.process.send_signal(number)
        interface.process.wait(30)
    assert interface.process.stdout is not None
    interface.process.stdout.close()


def blobs(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Dark density in noise, as tilts of 60 degrees to either side leave it."""
    random = np.random.default_rng(1)
    grid = np.stack(np.meshgrid(*(np.arange(edge) for edge in shape), indexing="ij"), axis=-1)
    volume = np.zeros(shape)
    for _ in range(14):
        distance = np.linalg.norm(grid - random.uniform(4, np.array(shape) - 4), axis=-1)
        volume -= 1 / (1 + np.exp(2 * (distance - random.uniform(2, 5))))
    spectrum = np.fft.fftn(volume + 0.3 * random.standard_normal(shape))
    z, _, x = np.meshgrid(*(np.fft.fftfreq(edge) for edge in shape), indexing="ij")
    spectrum[np.abs(z) > np.tan(np.deg2rad(60)) * np.abs(x)] = 0
    return np.fft.ifftn(spectrum).real.astype(np.float32)


def write(path: Path, volume: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(volume)
        file.voxel_size = 10.0
    return path


def write_hollow(path: Path, shape: tuple[int, int, int]) -> Path:
    """Write a volume of zeros that takes no room on the disk."""
    volume = np.zeros((2, *shape[1:]), np.float32)
    volume[0] = np.random.default_rng(0).standard_normal(shape[1:])
    write(path, volume)
    with path.open("r+b") as file:
        header = np.frombuffer(file.read(1024), np.int32).copy()
        header[[2, 9]] = shape[0]  # NZ, MZ
        file.seek(0)
        file.write(header.tobytes())
        file.truncate(1024 + 4 * int(np.prod(shape)))
    return path


LONG = ("gui", "jobs")
"""Words of a command that is there until it is stopped, and leaves the processor to the tests."""


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.1)
