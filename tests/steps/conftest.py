"""What the tests of the steps share: one thread, no drawing unless asked, and small files."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import commandline as isonet
import pytest

from quick import calibrate_less, draw_again, imagine_less, leave_out_drawing, one_thread, unchecked

HERE = Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Be quick around each test of this folder, and the fixtures that it is the first to ask for.

    The drawing of previews, which takes longer than all else, is left to the tests that ask for it by `draws`.
    """
    if HERE not in item.path.parents:
        return (yield)
    with one_thread(), unchecked(), pytest.MonkeyPatch.context() as patch:
        leave_out_drawing(patch)
        calibrate_less(patch)
        imagine_less(patch)
        return (yield)


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for previews to be drawn."""
    draw_again(monkeypatch)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def volume() -> Any:
    """A small tomogram of standard deviation 1, density dark."""
    return isonet.specimen()


@pytest.fixture
def prepared(here: Path, volume: Any) -> Path:
    """`tomograms.star` of one tomogram, `v.mrc`, in the working folder."""
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc")
    return here / "tomograms.star"


@pytest.fixture(scope="session")
def model(volume: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a small network, trained enough to do something."""
    folder = tmp_path_factory.mktemp("model")
    isonet.write(folder / "v.mrc", volume)
    isonet.done("prepare", folder / "v.mrc", output=folder / "t.star")
    options = {**isonet.TINY, "iterations": 2, "steps_per_epoch": 40, "learning_rate": 3e-3}
    isonet.done("refine", folder / "t.star", output_dir=folder / "results", **options)
    return folder / "results"
