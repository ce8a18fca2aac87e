"""A script for ChimeraX: before, after and confidence side by side, seen by one camera."""

from collections.abc import Sequence
from pathlib import Path

from isonet.steps.report.comparison import Comparison, volume_path

_ABOVE = 2.5  # standard deviations over the mean at which the surface is drawn
_APART = 1.1  # widths of a tomogram
_PALETTE = "0.2,#b2182b:0.5,#f7f7f7:0.8,#2166ac"


def script(comparison: Comparison, shape: Sequence[int], confidence: Path | None) -> str:
    """Write the commands that show a tomogram in ChimeraX.

    The three stand beside each other in one scene under one orthographic camera, so that each turn and zoom is that of
    all three.

    Parameters
    ----------
    comparison : Comparison
        The tomogram; it must have been corrected.
    shape : sequence of int
        Its edges z, y, x in voxels.
    confidence : Path or None
        Map of the local agreement of two networks.
    """
    before, after = (volume_path(comparison.numbers, name) for name in ("before", "after"))
    if before is None or after is None or comparison.after is None:
        raise ValueError("no corrected tomogram")
    depth, height, width = shape
    step = _APART * width * (comparison.numbers["pixel_size"] or 1.0)
    planes = f"orthoplanes xyz positionPlanes {width // 2},{height // 2},{depth // 2}"
    level = comparison.sign * comparison.after.mean + _ABOVE * comparison.after.std
    lines = [
        f"# {comparison.numbers['name']}: #1 before, #2 after" + (", #3 confidence" if confidence else ""),
        "close",
        f"open {_quoted(before)}",
        f"open {_quoted(after)}",
        f"volume #1-2 style image {planes}",
    ]
    if confidence is not None:
        lines += [
            f"open {_quoted(confidence)}",
            f"volume scale #2 factor {comparison.sign} modelId #4",
            f"volume #4 style surface step 1 level {level:.6g}",
            f"color sample #4 map #3 palette {_PALETTE}",
            "hide #3 models",
            f"move x {2 * step:.6g} models #3,4",
        ]
    else:
        lines.append("# no confidence map yet: isonet validate TABLE --independent writes one")
    return "\n".join([*lines, f"move x {step:.6g} models #2", "camera ortho", "view", ""])


def _quoted(path: Path) -> str:
    """Write a path as ChimeraX reads it.

    A name that could end the quotation or the line is left to the reader: it might hold a command.
    """
    text = str(path.resolve())
    if text.isprintable() and not set(text) & {'"', "\\"}:
        return f'"{text}"'
    if text.isprintable() and not set(text) & {"'", "\\"}:
        return f"'{text}'"
    return "browse"
