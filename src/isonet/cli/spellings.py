"""Commands and flags as IsoNet 1 and 2 spell them, so that their users' scripts work as they are.

A flag of theirs has the same name here, another one (`RENAMED`), perhaps with other values (`VALUES`), is an argument
without a name (`POSITIONAL`), is not needed any more (`OBSOLETE`), or has no like here (`REFUSED`). What is not the
same is said in one line each.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from isonet.commands import COMMANDS
from isonet.errors import InputError

ALIASES = {command.alias: name for name, command in COMMANDS.items() if command.alias is not None}
"""IsoNet 1's commands that have another name here."""
POSITIONAL = {
    "prepare": ("--folder-name", "--full"),
    "prepare-subtomo-star": ("--folder-name",),
    "deconv": ("--star-file",),
    "mask": ("--star-file",),
    "extract": ("--star-file",),
    "refine": ("--subtomo-star",),
    "predict": ("--star-file", "--model"),
}
"""Arguments that IsoNet 1 lets be given by name, in order."""
RENAMED: Mapping[str, Mapping[str, str]] = {
    "prepare": {"--output-star": "--output", "--star-name": "--output", "--ac": "--amplitude-contrast"},
    "prepare-subtomo-star": {"--output-star": "--output"},
    "deconv": {
        "--deconv-folder": "--output-dir",
        "--snrfalloff": "--snr-falloff",
        "--deconvstrength": "--deconv-strength",
        "--highpassnyquist": "--highpass-nyquist",
        "--phaseflipped": "--phase-flipped",
    },
    "mask": {
        "--mask-folder": "--output-dir",
        "--mask-boundary": "--boundary",
        "--z-crop": "--crop-z",
        "--use-deconv-tomo": "--input-column",
    },
    "resize": {"--out-folder": "--output-dir", "--apix": "--pixel-size"},
    "extract": {
        "--subtomo-folder": "--output-dir",
        "--subtomo-star": "--output",
        "--use-deconv-tomo": "--input-column",
    },
    "refine": {
        "--result-dir": "--output-dir",
        "--select-subtomo-number": "--number-subtomos",
        "--batch-normalization": "--normalization",
        "--random-rot-weight": "--random-rotations",
    },
    "predict": {"--use-deconv-tomo": "--input-column"},
}
"""Flags that have another name here, by command."""
VALUES: Mapping[str, Mapping[str, str]] = {
    "--use-deconv-tomo": {"true": "auto", "false": "full"},
    "--batch-normalization": {"true": "batch", "false": "none"},
    "--noise-mode": {"nofilter": "unfiltered", "none": "unfiltered"},
    "--kernel": {"3,3,3": "3", "5,5,5": "5", "7,7,7": "7"},
    "--pool": {"2,2,2": "true"},
    "--method": {"isonet2": "isonet", "isonet2-n2n": "noise2noise"},
}
"""Values, in lower case and without brackets and blanks, that are written otherwise here."""
_LOG_LEVEL = "run.log in the output folder has everything, --debug adds tracebacks"
_NORMALIZE = "each tomogram is normalised as a whole, and results have its own grey values"
_ALL_CORES = "all processor cores are used; OMP_NUM_THREADS limits them"
_NO_CHUNKS = "--max-memory decides what is in memory at once, and there are no seams"
_IN_MEMORY = "training pairs are made while training; OMP_NUM_THREADS limits the processor cores"
_EACH_ITERATION = "pictures and a model are made after every iteration"
_OWN_WEDGE = "inputs always have the wedge of their tomogram"
_FILTER = "without effect in IsoNet 2, too; an option of 'isonet deconv' here"
_NO_TRANSFER = "leave it out; what is tailored to one map undoes the transfer, or run 'isonet deconv' before refine"
OBSOLETE: Mapping[str, Mapping[str, str]] = {
    "prepare": {"--create-average": "the mean of --even and --odd is made where no full tomogram is given"},
    "deconv": {
        "--ncpu": _ALL_CORES,
        "--ncpus": _ALL_CORES,
        "--chunk-size": _NO_CHUNKS,
        "--overlap-rate": _NO_CHUNKS,
    },
    "extract": {"--log-level": _LOG_LEVEL},
    "refine": {
        "--data-dir": "training pairs are made in memory",
        "--log-level": _LOG_LEVEL,
        "--noise-dir": "noise is made in memory",
        "--normalize-percentile": _NORMALIZE,
        "--preprocessing-ncpus": _IN_MEMORY,
        "--remove-intermediate": "sub-volumes of each iteration are not written; --keep-models limits what is",
        "--ncpus": _IN_MEMORY,
        "--mixed-precision": "--precision decides, auto is bf16 where the device computes in it natively",
        "--with-preview": _EACH_ITERATION,
        "--save-interval": _EACH_ITERATION,
        "--prev-tomo-idx": _EACH_ITERATION,
        "--apply-mw-x1": _OWN_WEDGE,
        "--snrfalloff": _FILTER,
        "--deconvstrength": _FILTER,
        "--highpassnyquist": _FILTER,
    },
    "predict": {
        "--log-level": _LOG_LEVEL,
        "--normalize-percentile": _NORMALIZE,
        "--apply-mw-x1": _OWN_WEDGE,
        "--isCTFflipped": "the contrast transfer is not modelled in prediction",
        "--padding-factor": "tiles overlap as far as it takes to hide seams",
        "--save-slices": "'isonet report' shows them",
    },
}
"""Flags without meaning here, and why, by command; results do not depend on them."""
REFUSED: Mapping[str, Mapping[str, str]] = {
    "prepare": {
        "--mask-folder": "make masks with 'isonet mask', or name yours in the column rlnMaskName of the table",
        "--coordinate-folder": "give coordinates to 'isonet extract --coordinates'",
    },
    "refine": {
        "--mw-weight": "its numbers do not carry over; leave it out, or give --wedge-weight (1, of halves 3)",
        "--CTF-mode": _NO_TRANSFER,
        "--bfactor": _NO_TRANSFER,
        "--clip-first-peak-mode": _NO_TRANSFER,
        "--do-phaseflip-input": _NO_TRANSFER,
        "--isCTFflipped": "leave it out with halves; for one map give --phase-flipped",
        "--loss-func": "leave it out; errors are absolute on one map and squared on halves",
        "--learning-rate-min": "leave it out; --schedule cosine falls to a hundredth, constant stays",
    },
    "predict": {"--output-prefix": "names are those of the tomograms; choose another --output-dir"},
}
"""Flags that have no like here, and what to do instead, by command."""
_SWITCHES = {
    "--create-average",
    "--use-deconv-tomo",
    "--batch-normalization",
    "--normalize-percentile",
    "--remove-intermediate",
    "--pool",
    "--mixed-precision",
    "--with-preview",
    "--apply-mw-x1",
    "--save-slices",
    "--do-phaseflip-input",
    "--isCTFflipped",
}
_GPU_COMMANDS = ("refine", "predict")
_NOISE_FACTOR = 3.5  # a percentile-normalised cube has a standard deviation of 1 / 3.5


def translated(arguments: Sequence[str], count_gpus: Callable[[], int]) -> tuple[list[str], list[str]]:
    """Put this program's words in the place of IsoNet 1's.

    Parameters
    ----------
    arguments : sequence of str
        Command line, the command first.
    count_gpus : callable
        Tells how many GPUs there are; called only for `--gpuID`.

    Returns
    -------
    arguments, notes : list of str
        The command line of this program, and a line about each flag that does not mean the same here.

    Raises
    ------
    InputError
        If a flag has no like here.
    """
    if not arguments:
        return [], []
    command = ALIASES.get(arguments[0], arguments[0])
    tokens, notes = [], []
    named: dict[str, str] = {}
    rest = list(arguments[1:])
    while rest:
        token = rest.pop(0)
        spelling, equals, value = token.partition("=")
        flag = spelling.replace("_", "-")
        left_out = "None" in ([value] if equals else rest[:1])
        if not token.startswith("--") or not (_is_known(command, flag) or left_out):
            tokens.append(token)
            continue
        if not equals and rest and _is_value(flag, rest[0]):
            value = rest.pop(0)
        if flag in POSITIONAL.get(command, ()):
            named[flag] = value
        elif flag in REFUSED.get(command, {}) and value != "None":
            raise InputError(f"{spelling}: not used here; {REFUSED[command][flag]}")
        elif flag in OBSOLETE.get(command, {}):
            notes.append(f"{spelling} is not needed any more: {OBSOLETE[command][flag]}")
        elif flag == "--gpuID" and command in _GPU_COMMANDS and value != "None":
            device, note = _device(value, count_gpus)
            tokens.append(f"--device={device}")
            notes += [note] if note else []
        else:
            if spelling == "--noise_level":
                notes += _about_noise(value)
            tokens += _renamed(command, spelling, flag, value)
    places = [named[flag] for flag in POSITIONAL.get(command, ()) if flag in named]
    return [arguments[0], *places, *tokens], notes


def _is_known(command: str, flag: str) -> bool:
    """Tell whether a flag may be IsoNet 1's with another name, value or meaning."""
    tables: list[Mapping[str, object]] = [*(table.get(command, {}) for table in (RENAMED, OBSOLETE, REFUSED)), VALUES]
    return flag in ("--gpuID", "--noise-level", *POSITIONAL.get(command, ())) or any(flag in table for table in tables)


def _is_value(flag: str, token: str) -> bool:
    """Tell whether the word after a flag is its value."""
    if flag in _SWITCHES:
        return token.lower() in ("true", "false", "none") or re.fullmatch(r"[\d,\s()\[\]]+", token) is not None
    return not token.startswith("--")


def _renamed(command: str, spelling: str, flag: str, value: str) -> list[str]:
    """Write a flag with its value as this program spells them; nothing for None, which is to leave it out."""
    bare = re.sub(r"[\s()\[\]]", "", value).lower() or ("true" if flag in _SWITCHES else "")
    value = VALUES.get(flag, {}).get(bare, value)
    if value == "None":
        return []
    name = RENAMED.get(command, {}).get(flag, spelling)
    return [f"{name}={value}"] if value else [name]


def _device(value: str, count_gpus: Callable[[], int]) -> tuple[str, str]:
    """Choose the device for a list of GPUs, and say what is not as asked for."""
    if value.lower() == "cpu":
        return "cpu", ""
    gpus = [part for part in re.split(r"[\s,()\[\]]+", value) if part]
    if count_gpus() == 0:
        return "auto", f"--gpuID {value}: this machine offers no GPU, the CPU is used"
    note = ""
    if len(gpus) > 1:
        note = f"--gpuID {value}: one GPU is used, --device cuda:{gpus[0]}; for all set CUDA_VISIBLE_DEVICES and "
        note += f"give --devices {len(gpus)}"
    return f"cuda:{gpus[0]}" if gpus else "auto", note


def _about_noise(value: str) -> list[str]:
    """Say what the same noise is called here."""
    try:
        levels = [float(part) for part in re.split(r"[\s,()\[\]]+", value) if part]
    except ValueError:
        return []
    same = ",".join(f"{round(_NOISE_FACTOR * level + 1e-9, 2):g}" for level in levels)
    return [
        f"--noise_level {value}: here the ratio of standard deviations, on which IsoNet 1's figures act "
        f"{_NOISE_FACTOR} times as strongly; for its noise give --noise-level {same}"
    ]
