"""What a tilt range or a list of tilts may be; without torch, so that the table can be read without it."""

from collections.abc import Sequence


def check_tilts(tilts: Sequence[float]) -> None:
    """Raise `ValueError` unless `tilts` (degrees) are a range or a list of tilts that measures a wedge."""
    if len(tilts) < 2:
        raise ValueError("a tilt range needs two angles")
    if not all(-90 <= angle <= 90 for angle in tilts):
        raise ValueError(f"tilt angles {min(tilts):g} to {max(tilts):g} degrees reach beyond -90 to 90")
    if len(tilts) == 2 and not tilts[0] < tilts[1]:
        raise ValueError(f"tilt range {tilts[0]:g} to {tilts[1]:g} degrees is empty")
    if min(tilts) == max(tilts):
        raise ValueError(f"all tilts are at {tilts[0]:g} degrees")
