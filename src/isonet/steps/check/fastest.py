"""How a GPU computes fastest: every way is timed, and its results are compared with those of the CPU in float32."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer
from isonet.train.hardware.choice import USUAL, Choice, adopt, adopted
from isonet.train.hardware.precision import Arithmetic, choose_precision, prefer
from isonet.train.network.unet import UNet, UNetShape, initialize
from isonet.train.pairs import Batch

log = logging.getLogger("isonet")
_SHAPE = UNetShape(filter_base=32, drop_out=0.0)
_CUBE, _BATCH = 64, 2
_TOLERANCES = {"float32": 2e-3, "bf16": 5e-2, "fp16": 1e-2}
"""Root mean square of what results may differ by, relative to that of what the network adds."""
_GAIN = 1.05
"""How much faster a way has to be than a plainer one."""


@dataclass(frozen=True)
class Measured:
    """A way to compute, and what it did.

    Attributes
    ----------
    choice : Choice
        The way.
    seconds : float
        Of a training step; infinite where it failed or computed something else.
    note : str
        Why it cannot be used; empty where it can.
    """

    choice: Choice
    seconds: float
    note: str = ""


def fastest(device: torch.device, seconds: float, synchronize: Callable[[], None]) -> tuple[Choice, list[Measured]]:
    """Find out how a device computes fastest.

    Parameters
    ----------
    device : torch.device
        The device.
    seconds : float
        What each way may take, beside its first steps.
    synchronize : callable
        Waits until the device has done all that it was asked for.

    Returns
    -------
    choice, measured
        The fastest way whose results are right, and all that were tried.
    """
    torch.manual_seed(0)
    network = UNet(_SHAPE)
    initialize(network, "he")
    given = torch.randn(1, 1, _CUBE, _CUBE, _CUBE, generator=torch.Generator().manual_seed(1))
    truth = Evaluator(network, torch.device("cpu"), "float32")(given)
    tried: list[Measured] = []

    def measure(choice: Choice) -> Measured:
        with _as_chosen(device, choice):
            try:
                note = _difference(network, device, given, truth)
                taken = float("inf") if note else _seconds(network, device, seconds, synchronize)
            except Exception as error:  # whatever a compiler or a library raises: this way cannot be gone
                log.debug("%s failed", choice, exc_info=True)
                note, taken = f"failed: {type(error).__name__}", float("inf")
        tried.append(Measured(choice, taken, note))
        return tried[-1]

    def better(best: Measured, choices: Iterable[Choice]) -> Measured:
        for found in map(measure, choices):
            if found.seconds * _GAIN < best.seconds:
                best = found
        return best

    ways = _first_ways(device)
    best = better(measure(next(ways)), ways)
    best = better(best, [replace(best.choice, benchmark=True)])
    best = better(best, [replace(best.choice, compiled=True)])
    return (best.choice if best.seconds < float("inf") else replace(USUAL, precision="float32")), tried


def _first_ways(device: torch.device) -> Iterator[Choice]:
    """Iterate over layouts and arithmetics, the usual ones first."""
    prefer(device, None)
    native = choose_precision(device, "auto")
    arithmetics: list[Arithmetic] = [native] if native == "float32" else [native, "float32"]
    for arithmetic in arithmetics:
        for channels_last in (True, False):
            yield Choice(channels_last, arithmetic)


@contextmanager
def _as_chosen(device: torch.device, choice: Choice) -> Iterator[None]:
    """Compute in one way for a while."""
    before = adopted(device)
    adopt(device, choice)
    try:
        yield
    finally:
        adopt(device, before)


def _difference(network: UNet, device: torch.device, given: torch.Tensor, truth: torch.Tensor) -> str:
    """Say that a device computes something else than the CPU; nothing where it does not."""
    found = Evaluator(network, device, "auto")(given).cpu()
    difference = float((found - truth).square().mean().sqrt() / (truth - given).square().mean().sqrt())
    if difference <= _TOLERANCES[choose_precision(device, "auto")]:
        return ""
    return f"differs from the CPU by {difference:.1e}"


def _seconds(network: UNet, device: torch.device, seconds: float, synchronize: Callable[[], None]) -> float:
    """Time a training step: the mean of as many as there is time for, after the first two."""
    trained = UNet(network.shape)
    trained.load_state_dict(network.state_dict())
    trainer = Trainer(trained, device, "auto")
    volumes = torch.randn(_BATCH, 1, _CUBE, _CUBE, _CUBE, generator=torch.Generator().manual_seed(2)).to(device)
    batch = Batch(volumes, 0.5 * volumes, torch.ones(_BATCH, 1, 1, 1, 1, device=device))
    for _ in range(2):
        trainer.step(batch, 1e-4)
    synchronize()
    began, steps = time.monotonic(), 0
    while steps < 2 or time.monotonic() - began < seconds:
        trainer.step(batch, 1e-4)
        synchronize()
        steps += 1
    return (time.monotonic() - began) / steps
