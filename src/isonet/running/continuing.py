"""Going on with a run in its folder: the options it was started with, and those that may be others now."""

from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from isonet.config import StepConfig
from isonet.errors import InputError
from isonet.io.options import read_options
from isonet.running.runs import CONFIG_NAME

Config = TypeVar("Config", bound=StepConfig)


def continued_options(config: Config, folder: Path, changeable: Collection[str]) -> Config:
    """Options of the run in a folder, with the changes that are asked for; no time limit unless one is.

    Parameters
    ----------
    config : StepConfig
        Options as the user gave them, `output_dir` and `continue_from` among them.
    folder : Path
        The run folder.
    changeable : collection of str
        Options that may differ.

    Raises
    ------
    InputError
        If there are no such options, or one is asked for that must stay as it was.
    """
    try:
        stored = type(config)(**read_options(folder / CONFIG_NAME))
    except (InputError, ValidationError) as error:
        raise InputError(f"{folder / CONFIG_NAME}: not the options of a run; start again in another folder") from error
    asked: dict[str, Any] = {name: getattr(config, name) for name in config.model_fields_set}
    output = asked.pop("output_dir", folder)
    if output.resolve() != folder.resolve():
        raise InputError(f"--output-dir {output}: a continued run stays in {folder}; leave it out")
    for name, value in sorted(asked.items()):
        if name not in changeable and value != (begun := getattr(stored, name)):
            flag = name.replace("_", "-")
            raise InputError(
                f"--{flag} {value}: the training in {folder} was begun {_with(begun)}; leave it out to go on, or train "
                "anew in another --output-dir"
            )
    return stored.model_copy(update={"max_time": None, **asked, "output_dir": folder, "continue_from": folder})


def _with(value: object) -> str:
    return "without it" if value is None else f"with {value}"
