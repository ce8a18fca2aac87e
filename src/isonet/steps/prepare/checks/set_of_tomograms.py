"""What tomograms are, and whether those of one set are alike."""

import logging
from collections.abc import Sequence

from isonet.io.volume import Volume
from isonet.project.table import Tomogram
from isonet.volumes.products import kind_in
from isonet.volumes.source import CONTRAST_COLUMN

log = logging.getLogger("isonet")
_MADE = ("deconvolved", "corrected")
_NAMED = 5  # tomograms at most


def warn_of_own_products(volumes: Sequence[Volume]) -> None:
    """Warn of volumes that this program deconvolved or corrected, by the labels in their headers."""
    for volume in volumes:
        kinds = [kind for label in volume.header.labels if (kind := kind_in(label)) in _MADE]
        if kinds:
            text = "%s: this program %s it, as its header says; give the tomogram as it was reconstructed"
            log.warning(text, volume.path, kinds[-1])


def warn_of_mixed_contrast(tomograms: Sequence[Tomogram]) -> None:
    """Warn, once, where density looks dark in some tomograms and light in others, of which one set has one kind."""
    light = [one.name for one in tomograms if one.text(CONTRAST_COLUMN) == "light"]
    dark = [one.name for one in tomograms if one.text(CONTRAST_COLUMN) == "dark"]
    if not (light and dark):
        return
    odd, word, other = (dark, "dark", "light") if len(dark) < len(light) else (light, "light", "dark")
    more = [f"{len(odd) - _NAMED} more"] if len(odd) > _NAMED else []
    log.warning(
        "%s: density looks %s in %d of %d tomograms (%s), and %s in the others; tomograms of one kind are alike: look "
        "at them, and mend rlnTomoContrast or give --contrast",
        *(tomograms[0].table, word, len(odd), len(tomograms), ", ".join([*odd[:_NAMED], *more]), other),
    )


def warn_of_same_names(tomograms: Sequence[Tomogram]) -> None:
    """Warn, once, of tomograms of one name, which steps refuse to write results of into one folder."""
    called: dict[str, list[Tomogram]] = {}
    for one in tomograms:
        called.setdefault(one.name, []).append(one)
    twice = [several for several in called.values() if len(several) > 1]
    if not twice:
        return
    first, second = (one.file(one.full_column) for one in twice[0][:2])
    rest = len(twice) - 1
    more = f" (and tomograms of {rest} more name{'s' * (rest > 1)})" if rest else ""
    log.warning(
        "%s and %s%s: of one name, which deconv, mask, extract and predict refuse in one folder; rename them, or "
        "prepare each folder into a table of its own (--output)",
        *(first, second, more),
    )
