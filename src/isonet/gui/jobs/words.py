"""Words of pages and forms: for what has a name that only a command line can have, and for what is left to itself."""

from collections.abc import Mapping

AUTOMATIC = "automatic"
TITLES: Mapping[str, str] = {
    "deconv": "Deconvolve",
    "extract": "Extract",
    "refine": "Train",
    "predict": "Correct",
    "run": "All steps",
    "check": "Check the machine",
    "demo": "Demonstration",
    "open": "Open elsewhere",
    "prepare-subtomo-star": "Sub-volume table",
    "train-starter": "Train a starter",
}
"""Title of the page of a command by its name; others are called as their name reads."""
LABELS: Mapping[str, str] = {
    # arguments
    "beads": "Leave out gold beads",
    "star": "Table",
    "inputs": "Tomograms or table",
    "folder_or_star": "Run folder or table",
    "stack": "Tilt series",
    # options
    "accept": "Take in spite of a fault",
    "accumulate": "Parts of a batch",
    "append": "Add to the table that is there",
    "arch": "Network",
    "average_dir": "Folder for means of halves",
    "axis_turn": "Turn of the tilt axis, °",
    "boundary": "Drawn areas",
    "calibrate": "Weigh prediction and data",
    "clip_gradient": "Greatest gradient",
    "contrast": "Density in the files",
    "continue_from": "Run to go on with",
    "convs_per_depth": "Convolutions in each level",
    "coordinates": "Centres from a file",
    "crop_size": "Sub-volume size, voxels",
    "crop_x": "Leave out at both ends of x",
    "crop_y": "Leave out at both ends of y",
    "crop_z": "Leave out at both ends of z",
    "cs": "Spherical aberration, mm",
    "cube_size": "Cube size, voxels",
    "deconv": "Deconvolve",
    "deconv_strength": "Deconvolution strength",
    "deconvolve": "Deconvolve the result",
    "defocus": "Defocus, Å",
    "density_percentage": "Keep the densest, %",
    "depth": "Depth, voxels",
    "device": "Device",
    "devices": "Processes",
    "drop_out": "Activations dropped",
    "epochs": "Epochs in an iteration",
    "even": "Even halves",
    "existing": "Masks of another program",
    "fastest": "Find the fastest way",
    "filter": "Filter of the reconstruction",
    "filter_base": "Filters of the first level",
    "float16": "Half precision (float16)",
    "format": "Format of the results",
    "halves": "Correct each half too",
    "height": "Height, voxels",
    "held_out": "Share held out",
    "highpass_nyquist": "High-pass, of Nyquist",
    "independent": "Compare two networks",
    "initialization": "First weights",
    "input_column": "Column to read",
    "invert_tilts": "Change the sign of tilts",
    "keep_measured": "Keep what was measured",
    "keep_models": "Models to keep",
    "kernel": "Kernel size",
    "like": "Imaged like these tomograms (table)",
    "level_x": "Turn about x, °",
    "level_y": "Turn about y, °",
    "mask": "Make masks",
    "max_memory": "Memory to use at most",
    "max_time": "Stop after",
    "max_tilt": "Largest tilt, °",
    "metadata": "Tilts and CTF",
    "min_tilt": "Smallest tilt, °",
    "noise_mode": "Kind of noise",
    "noise_start_iter": "Iterations at which noise begins",
    "normalization": "Normalisation",
    "num_nodes": "Machines",
    "number_subtomos": "Sub-volumes",
    "odd": "Odd halves",
    "only_withhold": "Only leave tilts out",
    "optimizer": "Optimiser",
    "output_dir": "Folder to write to",
    "overwrite": "Replace what is there",
    "patch_size": "Neighbourhood, voxels",
    "phase_flipped": "Phases were flipped",
    "phase_shift": "Phase shift, °",
    "pixel_size": "Voxel size, Å",
    "pool": "Maximum pooling",
    "precision": "Precision of arithmetic",
    "prediction": "Result of another program",
    "preset": "Kind of sample",
    "pretrained_model": "Model to begin with",
    "preview": "Only preview",
    "relion5": "Table for RELION 5",
    "residual": "Learn the change alone",
    "second_axis": "Tilt about x too",
    "second_axis_turn": "Second axis: its own turn, °",
    "second_level_x": "Second axis: turn about x, °",
    "second_level_y": "Second axis: turn about y, °",
    "second_tilt_file": "Second axis: file of tilts",
    "second_tilt_max": "Second axis: largest tilt, °",
    "second_tilt_min": "Second axis: smallest tilt, °",
    "seconds": "Time of the test, s",
    "seed": "Seed of random numbers",
    "slab": "Leave out empty ice above and below",
    "snr": "Signal to noise",
    "snr_falloff": "Fall of signal to noise",
    "species": "Kinds of particles",
    "split": "Halves are made from",
    "stack_pixel_size": "Pixel size of the images, Å",
    "std_percentage": "Keep the most varied, %",
    "steps_per_epoch": "Steps in an epoch",
    "templates": "Density maps to place",
    "thickness": "Thickness, voxels",
    "tilt_file": "File of tilts",
    "tilt_gap": "Widest gap between tilts, °",
    "tilt_max": "Largest tilt, °",
    "tilt_min": "Smallest tilt, °",
    "tilt_step": "Step between tilts, °",
    "tilts": "List of tilts, °",
    "time_budget": "Time for the training",
    "tomo_idx": "Tomograms (by number)",
    "truth": "True volume",
    "turned_dir": "Folder for turned copies",
    "turns": "Predictions to average",
    "unet_depth": "Levels of the network",
    "validation": "Validation",
    "voltage": "Voltage, kV",
    "wedge_weight": "Weight of the wedge",
    "width": "Width, voxels",
    "withhold": "Tilts to withhold, °",
    "workers": "Threads that simulate",
    "zarr_version": "Version of OME-Zarr",
}
"""Label of an option or argument by its name; others are called as their name reads."""
_CHOICES: Mapping[str, str] = {
    "auto": AUTOMATIC,
    "true": "yes",
    "false": "no",
    "bf16": "bfloat16",
    "mrc": "MRC",
    "zarr": "OME-Zarr",
}
_NOTHING: Mapping[str, str] = {"preset": "none", "pretrained_model": "none, or as the preset says"}


def title(command: str) -> str:
    """Title of the page of a command."""
    return TITLES.get(command) or command.capitalize()


def label(name: str) -> str:
    """Label of an option or argument."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


def choice(text: str) -> str:
    """What may be chosen, in words."""
    return _CHOICES.get(text, text)


def left_alone(name: str, default: str) -> str:
    """What happens where nothing is chosen.

    Parameters
    ----------
    name : str
        Of the option.
    default : str
        Its default as it is typed; empty where there is none.
    """
    if default in ("", "auto"):
        return _NOTHING.get(name, AUTOMATIC)
    return f"{choice(default)} (default)"
