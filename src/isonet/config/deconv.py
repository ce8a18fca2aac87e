"""Options of `deconv`: what the microscope did to the contrast, and how strongly to undo it."""

from pathlib import Path

from pydantic import Field

from isonet.config.base import Devices, Size, StepConfig

IN_TABLE = {
    "defocus": ("rlnDefocus", 0.0),
    "voltage": ("rlnVoltage", 300.0),
    "cs": ("rlnSphericalAberration", 2.7),
    "amplitude_contrast": ("rlnAmplitudeContrast", 0.07),
    "phase_shift": ("rlnPhaseShift", 0.0),
    "snr_falloff": ("rlnSnrFalloff", 1.0),
    "deconv_strength": ("rlnDeconvStrength", 1.0),
}
"""Column of the table that stands for an option left out, and the value where it has none."""
PLAUSIBLE = {
    **{"defocus": (4000, 200000), "voltage": (60, 1300), "Cs": (0.005, 10)},
    **{"amplitude contrast": (0.001, 1), "phase shift": (4, 360)},  # of which radians have less than 3.2
}
"""Usual sizes of what a microscope did, in Å, kV, mm, 1 and degrees: others may be in another unit.

Correctors leave a Cs of 0.01 mm; 2.7 mm are 0.0027 m.
"""
LEAST_WITH_PHASE_PLATE = 1000
"""Å of defocus that are usual with a phase plate, which makes contrast near focus."""
NO_PHASE_SHIFT = 0.5
"""Degrees below which a phase shift is none: what programs fitted where there was no plate."""
CORRECTED = "rlnCorrectedTomoName"
FOR_CORRECTED = {"snr_falloff": 1.0, "deconv_strength": 2.0}
"""How corrected tomograms are deconvolved, whatever the table says of others."""


def phase_plate(degrees: float | None) -> float:
    """Phase shift of a phase plate; 0 where it is so small, or not known, that there was none."""
    return 0.0 if degrees is None or abs(degrees) < NO_PHASE_SHIFT else degrees


class FilterOptions(StepConfig):
    """How strongly the contrast transfer is undone."""

    snr_falloff: float | None = Field(None, ge=0)
    """How fast the assumed signal-to-noise ratio falls with frequency; rlnSnrFalloff of the table if left out, else 1.
    Less sharpens finer detail, noise too. For corrected tomograms 1 if left out."""
    deconv_strength: float | None = Field(None, ge=-3, le=6)
    """Logarithm of the assumed ratio at low frequencies; rlnDeconvStrength of the table if left out, else 1. For
    corrected tomograms 2 if left out."""
    highpass_nyquist: float = Field(0.02, gt=0, le=1)
    """Frequencies below this fraction of Nyquist are damped."""
    phase_shift: float | None = Field(None, ge=-360, le=360)
    """Phase shift of a phase plate in degrees; rlnPhaseShift of the table if left out, else 0. Tomograms with one are
    skipped: their contrast at low frequencies is there already. Less than 0.5 is none."""
    phase_flipped: bool = False
    """The phases of the data were flipped before reconstruction (CTF-corrected as in IMOD's ctfphaseflip)."""


class DeconvConfig(FilterOptions):
    """Options of `deconv`."""

    output_dir: Path = Path("deconv")
    """Folder for the deconvolved tomograms and their previews."""
    input_column: str = "auto"
    """Column of the table to deconvolve; auto is the full tomograms. rlnCorrectedTomoName gives
    <name>_corrected_deconv.mrc, which the table names in rlnCorrectedDeconvTomoName."""
    tomo_idx: str | None = None
    """Tomograms to deconvolve, by rlnIndex: 1,3-5; all if left out."""
    defocus: float | None = None
    """Defocus at zero tilt in Å, positive is underfocus; rlnDefocus of the table if left out."""
    voltage: float | None = Field(None, ge=10, le=3000)
    """Acceleration voltage in kV; rlnVoltage of the table if left out, else 300."""
    cs: float | None = Field(None, ge=0, le=100)
    """Spherical aberration in mm; rlnSphericalAberration of the table if left out, else 2.7."""
    amplitude_contrast: float | None = Field(None, ge=0, le=1)
    """Fraction of amplitude contrast; rlnAmplitudeContrast of the table if left out, else 0.07."""
    devices: Devices = 1
    """Processes on this machine that share the tomograms, and the memory; auto is one, which uses all cores."""
    max_memory: Size = 4_000_000_000
    """Memory to use at most (4GB, 500MB), all included; larger tomograms are streamed from and to the disk."""
    preview: bool = False
    """Only draw one slice of each tomogram under several falloffs and strengths, to choose from."""
    overwrite: bool = False
    """Replace deconvolved tomograms that this program did not write or that come from other input."""
