"""A script for ChimeraX: before, after and confidence side by side, seen by one camera."""

from pathlib import Path

from isonet.io.volume_files import is_zarr, title
from isonet.steps.report.viewers.scene import Scene

MARK = "#1 before"
"""What the first line of every script holds."""
_PALETTE = "0.2,#b2182b:0.5,#f7f7f7:0.8,#2166ac"


def script(scene: Scene) -> str:
    """Write the commands that show a tomogram in ChimeraX.

    All stand beside each other in one scene under one orthographic camera, so that each turn and zoom is that of all.
    The mask is a wire mesh around the tomogram before.
    """
    depth, height, width = scene.shape
    planes = f"orthoplanes xyz positionPlanes {width // 2},{height // 2},{depth // 2}"
    named = ["#1 before", "#2 after", *(["#3 confidence"] if scene.confidence else [])]
    mask = 5 if scene.confidence else 3
    lines = [
        f"# {_comment(scene.name)}: {', '.join([*named, *([f'#{mask} mask'] if scene.mask else [])])}",
        "close",
        *_opened(scene.before),
        *_opened(scene.after),
        f"volume #1-2 style image {planes}",
    ]
    if scene.confidence is not None:
        lines += [
            *_opened(scene.confidence),
            f"volume scale #2 factor {scene.sign} modelId #4",
            f"volume #4 style surface step 1 level {scene.level:.6g}",
            f"color sample #4 map #3 palette {_PALETTE}",
            "hide #3 models",
            f"move x {2 * scene.step:.6g} models #3,4",
        ]
    else:
        lines.append("# no confidence map yet: isonet validate TABLE --independent writes one")
    if scene.mask is not None:
        lines += [*_opened(scene.mask), f"volume #{mask} style mesh step 4 level 0.5 color orange"]
    return "\n".join([*lines, f"move x {scene.step:.6g} models #2", "camera ortho", "view", ""])


def _opened(path: Path) -> list[str]:
    """Open a volume; an OME-Zarr image, which ChimeraX does not read, is left to the reader."""
    if is_zarr(path):
        remedy = "choose an MRC copy (isonet predict --format both)"
        return [f"# {_comment(title(path))} is OME-Zarr; {remedy}", "open browse"]
    return [f"open {_quoted(path)}"]


def _comment(name: str) -> str:
    """Write a name so that it cannot end the line."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


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
