"""A trained network, read from its file."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isonet.io.checkpoint import load_model
from isonet.models.record import STARTER_METHOD, network_of
from isonet.train.network.unet import UNet

PREVIEW_LABEL = "isonet preview: made with the starter model, from prior knowledge"

UNDONE_LABEL = "isonet deconvolution: by the network, which undoes the contrast transfer"


@dataclass(frozen=True)
class Model:
    """A trained network and what it was trained on.

    Attributes
    ----------
    network : UNet
        With its weights.
    about : mapping
        Metadata written by `refine`.
    identity : str
        Short hash of the weights.
    """

    network: UNet
    about: Mapping[str, Any]
    identity: str

    @property
    def is_starter(self) -> bool:
        """Whether it was trained on imagined samples alone, and so knows nothing of the data."""
        return bool(self.about.get("method") == STARTER_METHOD)

    @property
    def is_untailored(self) -> bool:
        """Whether it is a starter that was not tailored to any tomogram, and so makes previews."""
        return self.is_starter and not self.about["tilts"]

    @property
    def undoes_contrast_transfer(self) -> bool:
        """Whether it gives the density without contrast transfer, which the data have."""
        return bool(self.about.get("undoes_contrast_transfer"))

    @property
    def labels(self) -> tuple[str, ...]:
        """What the header of its results says."""
        preview, undone = (PREVIEW_LABEL,) * self.is_starter, (UNDONE_LABEL,) * self.undoes_contrast_transfer
        return *preview, *undone


def read_model(path: Path) -> Model:
    """Read a model file (or the model in a run folder of `refine`).

    Raises
    ------
    InputError
        If the file is no model or its weights do not fit its description.
    """
    weights, about = load_model(path)
    network = network_of(path, weights, about)
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    return Model(network, about, digest.hexdigest()[:8])
