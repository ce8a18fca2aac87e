"""The samples of these tests are read as what they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign


def test_a_plain_folder_gives_its_tomogram(here: Path, simulated: Callable[..., Any]) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    foreign.angles(here / "t/TS_1.tlt")
    isonet.done("prepare", "t", metadata="t")
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTomoName"], row["rlnPixelSize"], row["rlnTiltMin"]) == ("t/TS_1.mrc", "10", "-60")
