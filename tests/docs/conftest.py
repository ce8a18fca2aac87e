"""What the tests of the documentation share: one thread, no pictures, and files of the names that the pages use."""

import shutil
from collections.abc import Generator
from pathlib import Path

import material
import pytest

from quick import calibrate_less, leave_out_drawing, one_thread, unchecked

HERE = Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Be quick around each test of this folder."""
    if HERE not in item.path.parents:
        return (yield)
    with one_thread(), unchecked():
        return (yield)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with everything the commands of the pages read."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "cut").mkdir()
    material.make(folder)
    return folder


@pytest.fixture
def desk(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of that folder, without what takes longer than all else: pictures, and cubes to calibrate on."""
    folder = tmp_path / "desk"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    leave_out_drawing(monkeypatch)
    calibrate_less(monkeypatch)
    return folder
