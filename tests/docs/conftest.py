"""What the tests of the documentation share: one thread, no pictures, and files of the names that the pages use."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import material
import pytest
import torch
from matplotlib.figure import Figure


def no_picture(_figure: Figure, path: Any, **_options: Any) -> None:
    """Stand in for `Figure.savefig`, into a file or as a plot within a page."""
    if isinstance(path, io.StringIO):
        path.write('<svg width="1pt" height="1pt"></svg>')
    else:
        Path(path).write_bytes(b"no picture")


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Small volumes take longer on many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with everything the commands of the pages read."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "cut").mkdir()
    material.make(folder)
    return folder


@pytest.fixture
def desk(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of that folder, without drawing pictures, which takes longer than all else."""
    folder = tmp_path / "desk"
    shutil.copytree(files, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(Figure, "savefig", no_picture)
    return folder
