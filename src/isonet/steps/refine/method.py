"""How a refine learns: the method as asked or as the tomograms allow, with the options that belong to it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from isonet.config import NetworkOptions, RefineConfig, TrainingOptions, preset_options
from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.models.record import STARTER_METHOD
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.steps.prepare import warn_of_missing_halves
from isonet.steps.simulate import UntoldError, grain_of, recordings_of
from isonet.train.network.unet import named_shape
from isonet.train.pairs import Method
from isonet.validation.command import option
from isonet.volumes.shared_halves import share_of_halves
from isonet.volumes.source import open_source, open_sources

log = logging.getLogger("isonet")
Options = TypeVar("Options", bound=TrainingOptions)
TAILORED_STEPS, TAILORED_ITERATION = 400, 50
"""Steps after which little more is learnt from imagined samples, and those between two records."""
_ENOUGH_SHARED = 0.45  # of what is measured: the starter helps where it is 0.54, and harms where it is 0.31
_LOOKED_AT = 3  # tomograms, whose halves are from tilts; those of a table are alike
_TAILORED_CUBE, _TAILORED_BATCH = 48, 2
_OF_DATA = (
    *("crop_size", "number_subtomos", "noise_level", "noise_start_iter", "noise_mode", "random_rotations"),
    *("loss_weighting", "tilt_gap", "held_out", "patience", "from_scratch", "optimizer"),
)
"""Options that say how to learn from the data themselves."""
_NOISE = ("noise_level", "noise_start_iter", "noise_mode")
_WITHOUT_USE = {"noise2noise": _NOISE, "recorrupted": _NOISE, "denoise": (*_NOISE, "random_rotations")}
"""Options that a method has no use for: two maps have noise of their own, and what is denoised is not turned."""
_OF_TOMOGRAMS = ("held_out", "patience")
SETTLED = ("method", "cube_size", "batch_size", "iterations", "epochs", "steps_per_epoch", "pretrained_model")
"""Options that come with a method where they are not given."""
_NETWORK = tuple(NetworkOptions.model_fields)
_OF_TWO_MAPS = ("noise2noise", "recorrupted")
_LIKE_IMAGINED = (None, "purified", "cellular")
"""Presets of samples such as are imagined."""


def settled(project: Project, config: RefineConfig) -> RefineConfig:
    """Return the options of a new training with its method, and those that come with it where none are given.

    A training on two maps begins with the starter unless options ask for another network. These are the halves, or,
    where these are from every other tilt and share little, two that are made of the full tomogram.

    Raises
    ------
    InputError
        If options are given that `tailored` has no use for.
    """
    if project.holds_subvolumes:
        _warn_of_no_use(config, "a table of sub-volumes", _OF_TOMOGRAMS)
        return config
    rows = project.selected(config.tomo_idx)
    if config.method == "tailored":
        ignored = _meant_for_data(config) or _other_preset(config)
        if ignored is not None:
            raise InputError(f"{ignored}: --method tailored has no use for it; leave it out")
        of_data(rows, config)  # for its refusals
        return _tailoring(config)
    method: str = of_data(rows, config)
    on_halves = config.method == "auto" and method == "noise2noise"
    if config.method == "recorrupted" or (on_halves and _better_whole(rows, config)):
        method = "recorrupted"
    if config.method == "auto" and method == "isonet":
        why_not = _why_not_tailored(rows, config)
        if why_not is None:
            return _tailoring(config)
        log.info("one map, which isonet learns from: its noise stays where it was measured (not tailored: %s)", why_not)
    config = config.model_copy(update={"method": method})
    _warn_of_no_use(config, f"--method {method}", _WITHOUT_USE.get(method, ()))
    return _from_starter(config) if method in _OF_TWO_MAPS and _begins_with_starter(rows, config) else config


def _warn_of_no_use(config: RefineConfig, where: str, names: Sequence[str]) -> None:
    """Warn of options that are given and do nothing, unless a preset gives them."""
    by_preset = {} if config.preset is None else preset_options(config.preset)
    for name in names:
        if _is_given(config, name) and name not in by_preset:
            log.warning("%s: does nothing with %s; leave it out", option(name, getattr(config, name)), where)


def without_usual(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are given but for usual ones that a method settles, as where a file lists them all."""
    if given.get("method", "auto") != "auto":
        return dict(given)
    usual = {name: TrainingOptions.model_fields[name].default for name in SETTLED}
    return {name: value for name, value in given.items() if name not in usual or value != usual[name]}


def settled_like(config: Options, trained: RefineConfig) -> Options:
    """Return options with those that came with the method of a training."""
    if trained.method == "tailored":
        return _tailoring(config)
    if config.method == "auto":
        config = config.model_copy(update={"method": trained.method})
    return _from_starter(config) if trained.pretrained_model == checkpoint.STARTER else config


def tailors(project: Project, config: RefineConfig) -> bool:
    """Tell whether a new training with these options would be `tailored`."""
    if config.method != "auto" or project.holds_subvolumes:
        return config.method == "tailored"
    rows = project.selected(config.tomo_idx)
    return of_data(rows, config) == "isonet" and _why_not_tailored(rows, config) is None


def of_data(rows: Sequence[Tomogram], config: RefineConfig) -> Method:
    """Resolve what is learnt from data: noise2noise where all tomograms have halves and no other map is asked for.

    Raises
    ------
    InputError
        If halves are missing that the method needs.
    """
    without = [row for row in rows if not row.has_halves]
    if without and config.input_column == "halves":
        where = f"{without[0].table}: tomogram {without[0].index}"
        raise InputError(f"{where} has no halves, which --input-column halves asks for; leave it out")
    if config.method == "recorrupted":
        if config.input_column not in ("auto", "full"):
            raise InputError(
                f"--input-column {config.input_column}: --method recorrupted trains on full tomograms; leave it out"
            )
        return "noise2noise"
    if config.method in ("noise2noise", "denoise"):
        if without:
            where = f"{without[0].table}: tomogram {without[0].index}"
            raise InputError(f"{where} has no even and odd halves; give them to prepare, or use --method recorrupted")
        if config.input_column not in ("auto", "halves"):
            raise InputError(f"--input-column {config.input_column}: {config.method} trains on halves; leave it out")
        return config.method
    if config.method == "auto":
        warn_of_missing_halves(rows)
    if config.method == "isonet" or without or config.input_column not in ("auto", "halves"):
        return "isonet"
    return "noise2noise"


def _why_not_tailored(rows: Sequence[Tomogram], config: RefineConfig) -> str | None:
    """Say what keeps `auto` from `tailored`: options, tomograms, or that signal and noise cannot be told apart."""
    given = _meant_for_data(config)
    if given is not None:
        return f"{given} is given"
    if _other_preset(config) is not None:
        return f"{_other_preset(config)} is given"
    if config.input_column == "auto" and all(row.text("rlnDeconvTomoName") is not None for row in rows):
        return "the tomograms are deconvolved; --method tailored takes them as they were recorded"
    if not all(row.measured.at_home for row in rows):
        return "tilt axis and beam do not lie along y and z, as in all that the starter knows"
    try:
        recordings_of(rows, halves=config.input_column != "full", flipped=config.phase_flipped)
    except UntoldError as error:
        return str(error)
    return None


def _other_preset(config: RefineConfig) -> str | None:
    """Name a preset of samples that are not imagined, or of another method."""
    return None if config.preset in _LIKE_IMAGINED else option("preset", config.preset)


def _meant_for_data(config: RefineConfig) -> str | None:
    """Name a given option that says how to learn from data, what network to train, or to begin with a trained one."""
    for name in (*_OF_DATA, *_NETWORK):
        if _is_given(config, name):
            return option(name, getattr(config, name))
    if config.input_column not in ("auto", "halves", "full"):
        return option("input_column", config.input_column)
    model = config.pretrained_model
    if model is not None and checkpoint.load_model(model)[1].get("method") != STARTER_METHOD:
        return option("pretrained_model", model)
    return None


def _is_given(config: TrainingOptions, name: str) -> bool:
    """Tell whether an option asks for something unusual."""
    value = getattr(config, name)
    if name == "arch" and value == "small":  # which the starter has
        return False
    return name in config.model_fields_set and bool(value != TrainingOptions.model_fields[name].default)


def _is_asked(config: TrainingOptions, name: str) -> bool:
    """Tell whether an option was given; in a file that lists them all, only what is unusual was."""
    options = TrainingOptions.model_fields
    if config.model_fields_set >= {one for one, field in options.items() if field.default is not None}:
        return bool(getattr(config, name) != options[name].default)
    return name in config.model_fields_set


def _begins_with_starter(rows: Sequence[Tomogram], config: RefineConfig) -> bool:
    """Tell whether a training on halves that names no model begins with the starter, made for samples like these.

    On halves from every other tilt that share little, it ends with more grain than one from nothing.
    """
    if config.pretrained_model is not None or config.preset not in _LIKE_IMAGINED:
        return False
    if not _starter_has_network(config) or not all(row.measured.at_home for row in rows):
        return False
    return config.method == "recorrupted" or not _halves_share_little(rows, config)


def _starter_has_network(config: RefineConfig) -> bool:
    """Tell whether the network asked for, if any, is the starter's or the one that it is widened to."""
    asked = [name for name in ("from_scratch", *_NETWORK) if _is_given(config, name)]
    widened = config.arch == "medium" or config.filter_base == named_shape("medium").filter_base
    return not asked or (widened and asked in (["arch"], ["filter_base"]))


def _better_whole(rows: Sequence[Tomogram], config: RefineConfig) -> bool:
    """Tell whether full tomograms teach more than their halves, which share little, and their noise is known."""
    alike = config.preset in _LIKE_IMAGINED and config.input_column == "auto"
    if not alike or not all(row.split == "tilts" for row in rows) or not _halves_share_little(rows, config):
        return False
    try:
        for row in rows:
            grain_of(open_source(row, row.full_column))
    except UntoldError as error:
        log.info("%s: halves share little, and are trained on all the same: %s", rows[0].table, error)
        return False
    log.info(
        "%s: halves from every other tilt of a thick sample share little; in their place two maps are made of the full "
        "tomogram (--method recorrupted)",
        rows[0].table,
    )
    return True


def _halves_share_little(rows: Sequence[Tomogram], config: RefineConfig) -> bool:
    """Tell whether halves are from every other tilt and have measured little that is the same."""
    from_tilts = [row for row in rows if row.split == "tilts"][:_LOOKED_AT]
    shares = (share_of_halves(open_sources(row, HALF_COLUMNS), config.cube_size) for row in from_tilts)
    return any(share < _ENOUGH_SHARED for share in shares)


def _from_starter(config: Options) -> Options:
    return config.model_copy(update={"pretrained_model": config.pretrained_model or checkpoint.STARTER})


def _tailoring(config: Options) -> Options:
    """Options of `tailored`: cubes and steps of its own unless these are given or a preset or a time says them."""
    usual: dict[str, object] = {"epochs": 1, "steps_per_epoch": TAILORED_ITERATION}
    if config.preset is None:
        usual |= {"cube_size": _TAILORED_CUBE, "batch_size": _TAILORED_BATCH}
    if config.time_budget is None:
        usual["iterations"] = TAILORED_STEPS // TAILORED_ITERATION
    new = {name: value for name, value in usual.items() if not _is_asked(config, name)}
    return _from_starter(config).model_copy(update={"method": "tailored", **new})
