"""Install wheel and sdist into clean environments with the lowest and the newest allowed versions, and use them.

    pip install uv build && python scripts/install_matrix.py

Builds both, and for each of four environments: installs without extras, imports every module that needs none, prepares
and masks a small volume without network, and prints the versions that were taken. `--torch` pins torch, as a build for
CUDA that some index offers for its lowest version is several GB.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_INDEX = ("--index-strategy", "unsafe-best-match")  # where several indexes have a package, all versions count
_IMPORTS = """
import importlib, pkgutil, isonet
for module in pkgutil.walk_packages(isonet.__path__, "isonet."):
    if not module.name.startswith("isonet.gui") and module.name != "isonet.__main__":
        importlib.import_module(module.name)
for extra in ("gemmi", "nicegui"):
    assert importlib.util.find_spec(extra) is None, extra
"""
_VOLUME = """
import mrcfile, numpy
with mrcfile.new("v.mrc") as mrc:
    mrc.set_data(numpy.random.default_rng(0).standard_normal((24, 32, 32)).astype("float32"))
    mrc.voxel_size = 10
"""


def built(folder: Path) -> list[Path]:
    """Build sdist and wheel."""
    _run(["uv", "build", "--out-dir", folder, _ROOT])
    return [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]


def _run(words: Sequence[object], folder: Path | None = None, offline: bool = False) -> str:
    """Run a command and insist that it works; without a network where the system can take it away."""
    isolated = ["unshare", "--net", "--map-root-user"] if offline and shutil.which("unshare") else []
    command = [*isolated, *map(str, words)]
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


def environment(package: Path, resolution: str, python: str, torch: str, folder: Path) -> dict[str, str]:
    """Install a package into an environment of its own, use it, and return the versions of what it depends on."""
    home = folder / f"{package.suffix[1:]}-{resolution}"
    _run(["uv", "venv", "--python", python, home])
    versions, pins = folder / "versions.txt", folder / "pins.txt"
    pins.write_text(f"torch=={torch}\n" if torch else "", encoding="utf-8")
    versions.unlink(missing_ok=True)  # what it says would be preferred
    resolved = ["--resolution", resolution, "--constraint", pins, "--python-version", python, "--output-file", versions]
    _run(["uv", "pip", "compile", *_INDEX, *resolved, _ROOT / "pyproject.toml"])
    _run(["uv", "pip", "install", *_INDEX, "--python", home / "bin/python", "--constraint", versions, package])
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for code in (_IMPORTS, _VOLUME):
        _run([home / "bin/python", "-W", "ignore", "-c", code], work)
    isonet = home / "bin/isonet"
    for words in (["--help"], ["prepare", "v.mrc"], ["mask", "tomograms.star"]):
        _run([isonet, *words], work, offline=True)
    if not (work / "mask/v_mask.mrc").is_file():
        raise RuntimeError(f"{home}: no mask was made")
    listed = _run(["uv", "pip", "list", "--python", home / "bin/python", "--format", "freeze"])
    shutil.rmtree(home)
    return dict(line.split("==") for line in listed.splitlines() if "==" in line)


def dependencies() -> list[str]:
    """Names in the order of pyproject.toml."""
    text = (_ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'^  "([\w-]+)', text.split("\ndependencies = [")[1].split("\n]")[0], re.MULTILINE)


def main() -> None:
    """Run as told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=f"{sys.version_info.major}.{sys.version_info.minor}")
    parser.add_argument("--torch", default="", help="version of torch in all environments")
    parser.add_argument("--resolutions", default="lowest-direct,highest")
    options = parser.parse_args()
    table: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for package in built(Path(folder) / "dist"):
            for resolution in options.resolutions.split(","):
                name = f"{'wheel' if package.suffix == '.whl' else 'sdist'}, {resolution}"
                table[name] = environment(package, resolution, options.python, options.torch, Path(folder))
                print(f"{name}: works", flush=True)
    print("| | " + " | ".join(table) + " |\n|---" + "|---" * len(table) + "|")
    for one in dependencies():
        print(f"| {one} | " + " | ".join(versions.get(one, "-") for versions in table.values()) + " |")


if __name__ == "__main__":
    main()
