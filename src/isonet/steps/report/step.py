"""One page that tells what a run did and how far to believe it; the same numbers as JSON, a script for ChimeraX.

::

    run folder or tomograms.star ──> report.html  report.json  report.cxc
"""

import json
import logging
import shlex
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from isonet import __version__
from isonet.config import ReportConfig
from isonet.errors import InputError
from isonet.io import files
from isonet.io.formats import open_volume
from isonet.project.check import warnings_of
from isonet.project.table import Tomogram
from isonet.running.run_record import REPORT_MARK
from isonet.steps.report import plots
from isonet.steps.report.advice import find_warnings
from isonet.steps.report.commands import commands, settings, versions
from isonet.steps.report.comparison import Comparison, compare
from isonet.steps.report.data import MASK, describe, existing, pictured
from isonet.steps.report.page import render
from isonet.steps.report.pictures import made_picture
from isonet.steps.report.sources import STEPS, RunFolder, Sources, confidence_map, find_sources, read_validation
from isonet.steps.report.training import describe_training, input_column, trained_model
from isonet.steps.report.viewers import Scene, chimerax

log = logging.getLogger("isonet")
Numbers = dict[str, Any]


def report(path: Path, config: ReportConfig) -> Path:
    """Write the report of a run folder, or of a table and the runs beside it.

    Every volume that is shown is read once, in slabs; what is in memory does not grow with it.

    Parameters
    ----------
    path : Path
        Run folder of run, refine, predict or validate, or tomograms.star.
    config : ReportConfig
        Options.

    Returns
    -------
    Path
        The page; its numbers (.json) and a script for ChimeraX (.cxc) are beside it.

    Raises
    ------
    InputError
        If there is no table, or a tomogram or a validation cannot be read.
    RunError
        If a file cannot be written.
    """
    sources = find_sources(path, config)
    _refuse_foreign(sources.output)
    model = trained_model(sources.runs.get("refine"))
    chosen = pictured(sources.project, config)
    predicted = sources.runs.get("predict")
    column = input_column(model)
    compared = []
    for tomogram in chosen:
        log.info("report: looking at %s", tomogram.name)
        compared.append(compare(tomogram, predicted, column))
    numbers: Numbers = {
        "isonet": __version__,
        "made": datetime.now().astimezone().isoformat(timespec="seconds"),
        "of": str(path.resolve()),
        "table": str(sources.project.path),
        "data": [describe(tomogram) for tomogram in sources.project.tomograms],
        "training": describe_training(sources.runs["refine"], model) if "refine" in sources.runs else None,
        "tomograms": [one.numbers for one in compared],
        "validation": _validation(sources),
        "runs": [_taken(sources.runs[name]) for name in STEPS if name in sources.runs],
        "settings": [
            {"command": name, "folder": str(one.folder), "options": settings(one)}
            for name, one in _in_order(sources.runs)
        ],
        "commands": commands(sources.runs),
        "versions": versions(sources.runs),
    }
    numbers["corrected"] = sum("corrected" in one["made"] for one in numbers["data"])
    numbers["warnings"] = find_warnings(numbers, sources, model)
    numbers["said"] = _said(sources)
    scripts = _scripts(chosen, compared, sources)
    _write(sources.output, numbers, compared, scripts)
    return sources.output


def _refuse_foreign(output: Path) -> None:
    """Refuse to replace files that are no report.

    Raises
    ------
    InputError
        If one is there, or the name does not end in .html.
    """
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--output {output}: a report is a page; give a name that ends in .html")
    marks = {".html": REPORT_MARK, ".json": '"isonet": ', ".cxc": chimerax.MARK}
    for ending, mark in marks.items():
        path = output if ending == ".html" else output.with_suffix(ending)
        if path.exists() and mark not in _beginning(path):
            raise InputError(f"{path}: exists and is no report; move it away or choose another --output")


def _beginning(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(2000)


def _in_order(runs: Mapping[str, RunFolder]) -> list[tuple[str, RunFolder]]:
    return [(name, runs[name]) for name in STEPS if name in runs]


def _taken(run: RunFolder) -> Numbers:
    """Time and memory of a step, over all its runs in the folder."""
    every = [*run.status.get("earlier", []), run.status]
    return {
        "command": run.command,
        "folder": str(run.folder),
        "state": run.status.get("state"),
        "started": every[0].get("started"),
        "times": len(every),
        "seconds": round(sum(known), 1) if (known := [one["seconds"] for one in every if "seconds" in one]) else None,
        "peak_memory": max((one.get("peak_memory") or 0 for one in every), default=0) or None,
    }


def _said(sources: Sources) -> list[Numbers]:
    """What the steps warned of while they worked, by command."""
    said = {"prepare": warnings_of(sources.project.path)}
    said |= {name: [str(text) for text in one.status.get("warnings") or []] for name, one in _in_order(sources.runs)}
    return [{"command": name, "warnings": texts} for name, texts in said.items() if texts]


def _validation(sources: Sources) -> Numbers | None:
    """Return what validation.json says, and where it is."""
    if sources.validation is None:
        return None
    return {"file": str(sources.validation), **read_validation(sources.validation)}


def _scripts(chosen: Sequence[Tomogram], compared: Sequence[Comparison], sources: Sources) -> list[str]:
    """Commands for ChimeraX, one text for each corrected tomogram that is shown."""
    found = []
    for tomogram, one in zip(chosen, compared, strict=True):
        if one.after is not None:
            found.append(chimerax.script(_scene(tomogram, one, sources)))
    return found


def _scene(tomogram: Tomogram, one: Comparison, sources: Sources) -> Scene:
    """Take what belongs to a corrected tomogram that was looked at."""
    if one.after is None:
        raise ValueError("no corrected tomogram")
    return Scene(
        name=one.numbers["name"],
        before=Path(one.numbers["before"]),
        after=Path(one.numbers["after"]),
        mask=existing(tomogram, MASK),
        confidence=confidence_map(tomogram, sources),
        shape=open_volume(tomogram.file(tomogram.full_column)).shape,
        pixel_size=one.numbers["pixel_size"] or 1.0,
        sign=one.sign,
        mean=one.after.mean,
        std=one.after.std,
    )


def _write(output: Path, numbers: Numbers, compared: Sequence[Comparison], scripts: Sequence[str]) -> None:
    """Write the page, the numbers and the script."""
    training, validation = numbers["training"], numbers["validation"] or {}
    drawn = {
        "training": plots.draw_training(training) if training and training["loss"] else "",
        "withheld": plots.draw_withheld(validation["withheld"]) if "withheld" in validation else "",
        "independent": plots.draw_independent(validation["independent"]) if "independent" in validation else "",
        "balance": [
            plots.draw_balance(place, one.numbers["balance"], one.numbers["tilt_range"])
            for place, one in enumerate(compared)
        ],
    }
    marked = {name: [Markup(one) for one in it] if isinstance(it, list) else Markup(it) for name, it in drawn.items()}
    with_script = [place for place, one in enumerate(compared) if one.after is not None]
    page = render(
        numbers,
        title=_title(numbers),
        parts=_parts(numbers),
        plots=marked,
        compared=compared,
        imagined=[one for one in map(made_picture, training["imagined"]) if one] if training else [],
        scripts=scripts,
        script_of={place: number for number, place in enumerate(with_script)},
        script_name=output.with_suffix(".cxc").name,
        repeated=_repeated(numbers["commands"]),
    )
    texts = {output: page, output.with_suffix(".json"): json.dumps(numbers, indent=1) + "\n"}
    if scripts:
        texts[output.with_suffix(".cxc")] = scripts[0]
    with ExitStack() as stack:  # all of them or none, where the disk is full
        for path, text in texts.items():
            stack.enter_context(files.atomic_path(path)).write_text(text, encoding="utf-8")
    for one in numbers["warnings"]:
        log.warning("%s: %s; %s", one["about"], one["what"], one["remedy"])
    log.info("%s: open it in a browser", output)


def _title(numbers: Numbers) -> str:
    """Say what the report is about: the one tomogram, or how many there are."""
    names = [one["name"] for one in numbers["data"]]
    return names[0] if len(names) == 1 else f"{len(names)} tomograms in {Path(numbers['table']).resolve().parent.name}"


def _parts(numbers: Numbers) -> list[tuple[str, str]]:
    """Places and names of the parts of the page."""
    parts = [
        ("pictures", "Before and after"),
        ("validation", "Validation"),
        ("training", "Training"),
        ("data", "Data"),
        ("costs", "Time and memory"),
        ("settings", "Settings"),
        ("repeat", "Repeat it"),
        ("cite", "Cite"),
    ]
    found = [("warnings", "Warnings")] if numbers["warnings"] else []
    said = [("said", "Said by the steps")] if numbers["said"] else []
    return [*found, *said, *parts]


def _repeated(listed: Sequence[Numbers]) -> list[tuple[str, str]]:
    """Commands of each working folder as lines for a shell."""
    folders = dict.fromkeys(one["folder"] for one in listed)
    return [
        (folder, "\n".join([f"cd {shlex.quote(folder)}", *(c["command"] for c in listed if c["folder"] == folder)]))
        for folder in folders
    ]
