"""The page of a report: numbers, pictures and plots put into the template."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from isonet.running.console import duration_text
from isonet.steps.report.commands import shown

_PACKAGE = "isonet.steps.report"
_NOTHING = "–"


def render(numbers: Mapping[str, Any], **drawn: Any) -> str:
    """Write the page.

    Parameters
    ----------
    numbers : mapping
        What the JSON file holds: every number that the page shows is taken from it by its place there.
    drawn : dict
        Pictures, plots (`Markup`) and scripts.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": shown, "angstrom": _angstrom, "sentence": _sentence}
    style, behaviour = (
        files(_PACKAGE).joinpath(f"templates/report.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    digest = base64.b64encode(hashlib.sha256(behaviour.encode()).digest()).decode()
    return environment.get_template("report.html").render(
        numbers=numbers,
        number=partial(_number, numbers),
        style=Markup(style),
        behaviour=Markup(behaviour),
        script_hash=digest,
        **drawn,
    )


def _number(numbers: Mapping[str, Any], place: str, written: str = "{:.4g}", nothing: str = _NOTHING) -> Markup:
    """Write one number with its place in the JSON file, such as `data.0.pixel_size`."""
    value: Any = numbers
    for part in place.split("."):
        value = value[int(part)] if isinstance(value, list) else value[part]
    if value is None:
        return Markup('<span class="none">{}</span>').format(nothing)
    text = _WRITTEN[written](value) if written in _WRITTEN else written.format(value)
    return Markup('<data data-key="{}" value="{}">{}</data>').format(place, value, text.replace("-", "\N{MINUS SIGN}"))


def _duration(seconds: float) -> str:
    """Write a duration: seconds where it is short."""
    return f"{seconds:.1f} s" if seconds < 60 else duration_text(seconds)


def _memory(count: float) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _signed_percent(share: float) -> str:
    return f"{100 * share:+.1f} %"


_WRITTEN = {"duration": _duration, "memory": _memory, "percent": _percent, "signed": _signed_percent}


def _angstrom(text: str) -> str:
    """Write a sentence of the program for people: as a sentence, and Å for A."""
    return _sentence(re.sub(r"(?<=\d )A\b", "Å", text))


def _sentence(text: str) -> str:
    """Begin with a capital and end with a full stop; commands at the beginning stay as they are."""
    first = text if text.startswith("isonet ") else text[:1].upper() + text[1:]
    return first if first.endswith((".", "!", "?")) else f"{first}."
