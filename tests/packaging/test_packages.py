"""Packages: wheel and sdist are whole and work alone; recipes of other systems install the wheel and nothing less."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from isonet import __version__

ROOT = Path(__file__).parents[2]
RECIPE, IMAGE = ROOT / "packaging/conda/recipe.yaml", ROOT / "packaging/isonet.def"
WHEEL = f"isonet-{__version__}-py3-none-any.whl"
_CONDA = {"torch": "pytorch", "lightning-fabric": "pytorch-lightning", "matplotlib": "matplotlib-base"}
_SECTIONS = ("arguments", "files", "post", "environment", "runscript", "test", "labels", "help")


def run(words: Sequence[object], folder: Path, **variables: str) -> str:
    """Run a command and insist that it works."""
    done = subprocess.run(
        list(map(str, words)), cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with wheel and sdist, as `make dist` builds them, but with what is installed here."""
    for name in ("build", "hatchling", "twine"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed here: pip install -e '.[dev]'")
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT], folder)
    return folder


def sources() -> set[str]:
    """Files of the package that are under version control or would be."""
    files = (path for path in (ROOT / "src/isonet").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(ROOT / "src").as_posix() for path in files}


def test_an_index_would_take_them(dist: Path) -> None:
    assert "PASSED" in run([sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()], dist)


def test_the_wheel_holds_the_package_whole(dist: Path) -> None:
    names = set(zipfile.ZipFile(dist / WHEEL).namelist())
    assert {name for name in names if name.startswith("isonet/")} == sources()
    assert {name.split("/")[0] for name in names} == {"isonet", f"isonet-{__version__}.dist-info"}


def test_the_sdist_builds_the_same_wheel(dist: Path, tmp_path: Path) -> None:
    with tarfile.open(dist / f"isonet-{__version__}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    run([sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "again", folder], tmp_path)
    again, first = (zipfile.ZipFile(path / WHEEL).namelist() for path in (tmp_path / "again", dist))
    assert sorted(again) == sorted(first)


def test_the_wheel_works_alone(dist: Path, tmp_path: Path) -> None:
    """Unpacked anywhere, without the project around it, it answers and finds its own model."""
    zipfile.ZipFile(dist / WHEEL).extractall(tmp_path / "there")
    code = "import isonet; from pathlib import Path; from isonet.models.trained import read_model; "
    code += "print(isonet.__file__, read_model(Path('starter')).is_starter)"
    there = {"PYTHONPATH": str(tmp_path / "there")}
    assert run([sys.executable, "-c", code], tmp_path, **there).split() == [
        str(tmp_path / "there/isonet/__init__.py"),
        "True",
    ]
    assert run([sys.executable, "-m", "isonet", "--version"], tmp_path, **there).startswith(__version__)


def requirements() -> dict[str, str]:
    """Names and bounds in pyproject.toml."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.findall(r'^  "([\w-]+)(.*)",$', text.split("\ndependencies = [")[1].split("\n]")[0], re.MULTILINE)
    return dict(listed)


def test_the_recipe_of_conda_asks_for_what_the_project_does() -> None:
    recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == __version__
    asked = dict(line.split() for line in recipe["requirements"]["run"])
    python = re.search(r'requires-python = "(.*)"', (ROOT / "pyproject.toml").read_text())
    assert asked.pop("python") == (python and python[1])
    assert asked == {_CONDA.get(name, name): bounds for name, bounds in requirements().items()}
    wheel = f"../../dist/{WHEEL}"
    assert recipe["source"]["path"].replace("${{ version }}", __version__) == wheel
    script = recipe["build"]["script"].replace("${{ version }}", __version__)
    assert script.split()[-1] == WHEEL and "--no-deps" in script
    assert recipe["build"]["python"]["entry_points"] == ["isonet = isonet.cli:main"]


def test_the_recipe_of_conda_builds(dist: Path, tmp_path: Path) -> None:
    if shutil.which("rattler-build") is None:
        pytest.skip("no rattler-build on this machine: the recipe was compared with the project, not built")
    place = copied(tmp_path, dist)
    words = ["rattler-build", "build", "--recipe", place / "packaging/conda", "--channel", "conda-forge"]
    run([*words, "--output-dir", tmp_path / "out"], place)
    assert list((tmp_path / "out").rglob("isonet-*.conda"))


def sections() -> dict[str, str]:
    """Parts of the definition of the image, its header under an empty name."""
    parts = re.split(r"^%(\w+)\n", IMAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_the_definition_of_the_image_installs_the_wheel_alone() -> None:
    found = sections()
    assert tuple(found)[1:] == _SECTIONS
    assert re.findall(r"^(\w+): ", found[""], re.MULTILINE) == ["Bootstrap", "From"]
    values = dict(line.split("=", 1) for line in found["arguments"].split())
    assert values["VERSION"] == __version__
    filled = {name: re.sub(r"{{ (\w+) }}", lambda one: values[one[1]], text) for name, text in found.items()}
    assert filled["files"].split() == [f"dist/{WHEEL}", "/opt/"]
    assert f'"/opt/{WHEEL}[gui,structures]"' in filled["post"]
    for name in ("post", "environment", "runscript", "test"):
        run(["bash", "-n", "-c", filled[name]], ROOT)
        assert "{{" not in filled[name]


def test_the_image_builds(dist: Path, tmp_path: Path) -> None:
    if shutil.which("apptainer") is None:
        pytest.skip("no apptainer on this machine: the definition was read and its shell checked, not built")
    place = copied(tmp_path, dist)
    run(["apptainer", "build", tmp_path / "isonet.sif", "packaging/isonet.def"], place)
    assert run(["apptainer", "run", tmp_path / "isonet.sif", "--version"], tmp_path).startswith(__version__)


def copied(folder: Path, dist: Path) -> Path:
    """A folder with the recipes and the packages alone."""
    shutil.copytree(ROOT / "packaging", folder / "project/packaging")
    shutil.copytree(dist, folder / "project/dist")
    return folder / "project"
