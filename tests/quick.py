"""What keeps tests of whole commands quick and their results the same everywhere: one thread, and no pictures."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure


def no_picture(_figure: Figure, path: Any, **_options: Any) -> None:
    """Stand in for `Figure.savefig`, into a file or as a plot within a page: drawing takes longer than all else."""
    if isinstance(path, io.StringIO):
        path.write('<svg width="1pt" height="1pt"></svg>')
    else:
        Path(path).write_bytes(b"no picture")


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Compute on one thread: bit-identical results need the same number everywhere, and small volumes no more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
