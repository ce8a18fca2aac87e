"""Curves of `validation.json` as everything that draws them calls and colours them: figures, report and interface."""

from dataclasses import dataclass

THRESHOLDS = {"resolution_05": 0.5, "resolution_0143": 0.143}
"""Where a resolution is read off, by its name in `validation.json`."""


@dataclass(frozen=True)
class Curve:
    """How one curve is drawn.

    Attributes
    ----------
    label : str
        What it is.
    colour : str
        As `#rrggbb`.
    style : str
        `solid`, `dotted` or `dashed`.
    has_interval : bool
        Whether its 95 % interval is drawn around it.
    """

    label: str
    colour: str
    style: str = "solid"
    has_interval: bool = False


WITHHELD = {
    "claimed": Curve("claimed, prediction / ceiling", "#3b82c4", has_interval=True),
    "agreement": Curve("prediction with measurement", "#3b82c4", "dotted"),
    "ceiling": Curve("ceiling, a perfect prediction", "#7d8d99", "dashed"),
    "truth": Curve("prediction with truth", "#c8372d", has_interval=True),
    "unfilled": Curve("control: unfilled", "#12a078"),
    "shuffled": Curve("control: another place", "#8b5fbf"),
}
"""Curves of the withheld region by their name in `validation.json`, in the order of the legend."""
SERIES = ("#3b82c4", "#12a078", "#e0913a", "#8b5fbf", "#c8372d", "#7d8d99")
"""Colours of curves of one kind, such as one for each sector."""
