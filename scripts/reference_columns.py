"""What each column of the tables means: the words; a test sees to it that no column of the code is missing."""

from typing import NamedTuple


class Column(NamedTuple):
    """Who writes a column, its unit, and what it is."""

    writer: str
    unit: str
    meaning: str


COLUMNS = {
    "rlnIndex": Column("prepare", "", "What `--tomo-idx` chooses by; must be unique. Left out: 1, 2, 3 in order."),
    "rlnTomoName": Column("prepare", "path", "The full tomogram."),
    "rlnMicrographName": Column("IsoNet 1", "path", "The full tomogram in tables of IsoNet 1."),
    "rlnTomoReconstructedTomogramHalf1": Column("prepare", "path", "Reconstruction from even frames or tilts."),
    "rlnTomoReconstructedTomogramHalf2": Column("prepare", "path", "Reconstruction from odd frames or tilts."),
    "rlnTomoTurnedFrom": Column("prepare", "path", "The file of which `rlnTomoName` is a turned copy."),
    "rlnPixelSize": Column("prepare", "Å/voxel", "Pixel size; from the header, metadata or `--pixel-size`."),
    "rlnTiltMin": Column("prepare", "degrees", "Smallest tilt after alignment; -60 if left out."),
    "rlnTiltMax": Column("prepare", "degrees", "Largest tilt after alignment; 60 if left out."),
    "rlnTiltFile": Column(
        "prepare",
        "path",
        "List of all tilts, which counts more than the range.",
    ),
    "rlnTiltSplit": Column("prepare", "", "What the halves are from: `frames` (also if left out) or `tilts`."),
    "rlnTiltFileHalf1": Column("prepare", "path", "Tilts of half 1, where halves are from tilts."),
    "rlnTiltFileHalf2": Column("prepare", "path", "Tilts of half 2, where halves are from tilts."),
    "rlnTomoXTilt": Column(
        "prepare, you",
        "degrees",
        "Turn of the volume about x before it is tilted, as RELION 5 has it; 0 if left out. "
        "A turn about y is in the tilts.",
    ),
    "rlnTiltAxisTurn": Column(
        "prepare, you", "degrees", "Turn about z, before that, that brings the tilt axis to y; 0 if left out."
    ),
    **{
        f"{name}Axis2": Column("prepare, you", unit, f"{meaning} a second tilt axis, where there is one{usual}.")
        for name, unit, meaning, usual in (
            ("rlnTiltMin", "degrees", "Smallest tilt about", ""),
            ("rlnTiltMax", "degrees", "Largest tilt about", ""),
            ("rlnTiltFile", "path", "List of all tilts about", ""),
            ("rlnTomoXTilt", "degrees", "Turn about x of the tilts about", "; 0 if left out"),
            ("rlnTiltAxisTurn", "degrees", "Turn about z that brings to y", "; 90 if left out"),
        )
    },
    "rlnDefocus": Column("prepare", "Å", "Defocus at zero tilt, positive is underfocus; 0 is unknown."),
    "rlnVoltage": Column("prepare", "kV", "Acceleration voltage; 300 if left out."),
    "rlnSphericalAberration": Column("prepare", "mm", "Spherical aberration; 2.7 if left out."),
    "rlnAmplitudeContrast": Column("prepare", "fraction", "Amplitude contrast; 0.07 if left out."),
    "rlnPhaseShift": Column(
        "prepare, you", "degrees", "Phase shift of a phase plate; tomograms with one are not deconvolved."
    ),
    "rlnTomoContrast": Column("prepare", "", "`dark` or `light`: what density is in the file."),
    "rlnNumberSubtomo": Column("prepare", "", "Sub-volumes drawn from the tomogram in each epoch, or by extract."),
    "rlnSnrFalloff": Column("you, IsoNet 1", "", "For deconv, where `--snr-falloff` is not given; 1 if left out."),
    "rlnDeconvStrength": Column(
        "you, IsoNet 1", "", "For deconv, where `--deconv-strength` is not given; 1 if left out."
    ),
    "rlnDeconvTomoName": Column("deconv", "path", "The deconvolved tomogram."),
    "rlnMaskBoundary": Column("you, gui", "path", "IMOD model or JSON with polygons, for mask."),
    "rlnMaskDensityPercentage": Column(
        "you, IsoNet 1", "%", "For mask, where the option is not given; 50 if left out."
    ),
    "rlnMaskStdPercentage": Column("you, IsoNet 1", "%", "For mask, where the option is not given; 50 if left out."),
    "rlnMaskName": Column("mask, you", "path", "Mask: where sub-volumes may be centred. One of yours is kept."),
    "rlnBeadsName": Column("mask", "path", "List of gold beads, which refine, predict and validate leave out."),
    "rlnBoxFile": Column("you, IsoNet 2", "path", "Coordinates for extract."),
    "rlnCorrectedTomoName": Column("predict", "path", "The corrected tomogram."),
    "rlnCorrectedDeconvTomoName": Column(
        "predict, run, deconv", "path", "The corrected tomogram, deconvolved; no step takes it for its input."
    ),
    "rlnDenoisedTomoName": Column("IsoNet 2", "path", "Denoised tomogram of IsoNet 2; dropped by resize, else kept."),
}
SUBTOMO_COLUMNS = {
    "rlnSubtomoIndex": Column("extract, prepare-subtomo-star", "", "Running number."),
    "rlnImageName": Column("extract, prepare-subtomo-star", "path", "The sub-volume, a cube of raw grey values."),
    "rlnCubeSize": Column("extract, prepare-subtomo-star", "voxels", "Edge of the training cubes."),
    "rlnCropSize": Column("extract, prepare-subtomo-star", "voxels", "Edge of the sub-volumes."),
    "rlnTomoInputColumn": Column(
        "extract", "", "Column of the table of tomograms that it was cut from; `full` stands for the full tomogram."
    ),
    "rlnTomoMean": Column("extract, prepare-subtomo-star", "grey value", "Mean of the whole tomogram."),
    "rlnTomoStd": Column("extract, prepare-subtomo-star", "grey value", "Standard deviation of the whole tomogram."),
    "rlnCoordinateX": Column("extract", "voxels", "Centre in the tomogram, from 0."),
    "rlnCoordinateY": Column("extract", "voxels", "Centre in the tomogram, from 0."),
    "rlnCoordinateZ": Column("extract", "voxels", "Centre in the tomogram, from 0."),
    "rlnAngleRot": Column(
        "simulate", "degrees", "Orientation of a particle, in particles.star; also rlnAngleTilt, rlnAnglePsi."
    ),
    "rlnClassNumber": Column("simulate", "", "Kind of particle, in particles.star."),
    "rlnBeadRadius": Column("mask", "voxels", "Half axis across z of what is left out about a bead, in its list."),
    "rlnBeadHeight": Column("mask", "voxels", "The same along z."),
}
RELION_COLUMNS = {
    "rlnPipeLineNodeName": Column("RELION, relion", "path", "A file of the job's pipeline, in and out."),
    "rlnPipeLineNodeTypeLabel": Column("RELION, relion", "", "What that file is to RELION."),
    "rlnPipeLineProcessAlias": Column("RELION, relion", "", "Name that the user gave to the job; kept."),
    "rlnTomoName": Column("RELION, --relion5", "", "Name of the tilt series."),
    "rlnTomoTiltSeriesStarFile": Column("RELION, --relion5", "path", "Table of the series' images."),
    "rlnTomoYTilt": Column("RELION", "degrees", "Refined tilt of an image; counts more than the stage's."),
    "rlnTomoNominalStageTiltAngle": Column("RELION", "degrees", "Tilt of the stage."),
    "rlnTomoProjZ": Column("RELION 4", "", "Projection matrix, from which the tilt is taken."),
    "rlnDefocusU": Column("RELION", "Å", "Defocus of an image, mean with the other one."),
    "rlnDefocusV": Column("RELION", "Å", "Defocus of an image, mean with the other one."),
    "rlnTomoNominalDefocus": Column("RELION", "µm", "Target defocus; anything measured counts more."),
    "rlnVoltage": Column("RELION, --relion5", "kV", "Acceleration voltage."),
    "rlnSphericalAberration": Column("RELION, --relion5", "mm", "Spherical aberration."),
    "rlnAmplitudeContrast": Column("RELION, --relion5", "fraction", "Amplitude contrast."),
    "rlnOpticsGroup": Column("RELION", "", "Group of images with one microscope setting."),
    "rlnOpticsGroupName": Column("RELION, --relion5", "", "Its name."),
    "rlnMicrographPixelSize": Column("RELION", "Å/pixel", "Pixel size of the images."),
    "rlnMicrographOriginalPixelSize": Column("RELION, --relion5", "Å/pixel", "Pixel size of the images as recorded."),
    "rlnTomoTiltSeriesPixelSize": Column("RELION, --relion5", "Å/pixel", "Pixel size of the tilt series."),
    "rlnTomoTomogramBinning": Column("RELION, --relion5", "", "Pixel size of the tomogram over that of the series."),
    "rlnTomoHand": Column("RELION, --relion5", "", "Handedness, 1 or -1; -1 is written where it is not known."),
    "rlnTomoSizeX": Column("--relion5", "pixels", "Size in pixels of the series."),
    "rlnTomoSizeY": Column("--relion5", "pixels", "Size in pixels of the series."),
    "rlnTomoSizeZ": Column("--relion5", "pixels", "Size in pixels of the series."),
    "rlnTomoReconstructedTomogram": Column("RELION, --relion5", "path", "The full tomogram, also found by its name."),
    "rlnTomoReconstructedTomogramHalf1": Column("RELION, --relion5", "path", "Half 1."),
    "rlnTomoReconstructedTomogramHalf2": Column("RELION, --relion5", "path", "Half 2."),
    "rlnTomoParticleName": Column("RELION", "", "Tells a table of particles."),
    "rlnCenteredCoordinateXAngst": Column("RELION", "Å", "Coordinate from the centre of the tomogram."),
    "rlnCenteredCoordinateYAngst": Column("RELION", "Å", "Coordinate from the centre of the tomogram."),
    "rlnCenteredCoordinateZAngst": Column("RELION", "Å", "Coordinate from the centre of the tomogram."),
    "rlnOriginX": Column("RELION", "pixels", "Refined origin, subtracted from the coordinate; in its pixels."),
    "rlnOriginY": Column("RELION", "pixels", "Refined origin, subtracted from the coordinate; in its pixels."),
    "rlnOriginZ": Column("RELION", "pixels", "Refined origin, subtracted from the coordinate; in its pixels."),
    "rlnOriginXAngst": Column("RELION", "Å", "Refined origin, subtracted from the coordinate."),
    "rlnOriginYAngst": Column("RELION", "Å", "Refined origin, subtracted from the coordinate."),
    "rlnOriginZAngst": Column("RELION", "Å", "Refined origin, subtracted from the coordinate."),
    "rlnTomoSubtomogramRot": Column("RELION", "degrees", "Turn of a sub-tomogram, in which its origin is given."),
    "rlnTomoSubtomogramTilt": Column("RELION", "degrees", "Turn of a sub-tomogram, in which its origin is given."),
    "rlnTomoSubtomogramPsi": Column("RELION", "degrees", "Turn of a sub-tomogram, in which its origin is given."),
    "rlnDetectorPixelSize": Column("RELION 3, PyTom", "µm, Å", "Pixel of coordinates: with a magnification in µm."),
    "rlnMagnification": Column("RELION 3", "", "Magnification; pixels of coordinates are the detector's over it."),
    "rlnImagePixelSize": Column(
        "RELION, Warp", "Å/pixel", "Pixel of coordinates, where no other column says; of `rlnOriginX`."
    ),
    "rlnTomoSubtomogramBinning": Column(
        "RELION, Warp", "", "`rlnImagePixelSize` in pixels of the tilt series, which coordinates are in."
    ),
    "rlnTomoXTilt": Column("RELION", "degrees", "Turn about x, which makes the wedge aslant: warned of beyond 3."),
    "rlnTomoTiltSeriesName": Column("RELION 4", "path", "Tells a table of RELION."),
    "rlnTomoReconstructedTomogramDenoised": Column("RELION", "path", "Tells a table of RELION; not used."),
}
