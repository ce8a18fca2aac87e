"""What tomograms are, and whether those of one set are alike."""

import logging
from collections.abc import Sequence

from isonet.config.deconv import phase_plate
from isonet.io.text import some_of
from isonet.io.volume import Volume
from isonet.project.table import Tomogram
from isonet.volumes.products import kind_in
from isonet.volumes.source import CONTRAST_COLUMN

log = logging.getLogger("isonet")
_MADE = ("deconvolved", "corrected")


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
    log.warning(
        "%s: density looks %s in %d of %d tomograms (%s), and %s in the others; tomograms of one kind are alike: look "
        "at them, and mend rlnTomoContrast or give --contrast",
        *(tomograms[0].table, word, len(odd), len(tomograms), some_of(odd), other),
    )


def warn_of_missing_halves(tomograms: Sequence[Tomogram]) -> None:
    """Warn, once, of tomograms without halves where others have them: all are trained on as single maps then."""
    without = [one.name for one in tomograms if not one.has_halves]
    if 0 < len(without) < len(tomograms):
        log.warning(
            "%s: no halves of %d of %d tomograms (%s), so that refine takes all as single maps; give theirs, or leave "
            "them out with --tomo-idx",
            *(tomograms[0].table, len(without), len(tomograms), some_of(without)),
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


def warn_of_unknown_defocus(tomograms: Sequence[Tomogram]) -> None:
    """Warn, once, of tomograms without defocus or phase plate where others have one."""
    unknown = [
        one for one in tomograms if not one.number("rlnDefocus") and not phase_plate(one.number("rlnPhaseShift"))
    ]
    if not 0 < len(unknown) < len(tomograms):
        return
    log.warning(
        "%s: no defocus is known of %d of %d tomograms (%s), which deconv refuses; name CTF files after them, or fill "
        "rlnDefocus",
        unknown[0].table,
        len(unknown),
        len(tomograms),
        some_of([one.name for one in unknown]),
    )
