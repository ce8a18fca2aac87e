"""Densities of macromolecules: maps, and atoms of PDB or mmCIF files drawn as one."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import gaussian_filter
from torch import Tensor

from isonet.errors import InputError
from isonet.io.files import refuse_special
from isonet.io.formats import open_volume

_ATOMS = (".pdb", ".ent", ".cif", ".mmcif")
_PIXEL_SIZE = 4.0  # Å per voxel of maps drawn from atoms
_BLUR = 3.5  # Å, standard deviation
_BORDER = 5  # voxels
_BESIDE = 2 * _BORDER + 1  # voxels of a map that are not between its atoms
_LARGEST = 1 << 26  # voxels


def read_density(path: Path) -> tuple[Float[Tensor, "d h w"], float]:
    """Read a density, bright where mass is.

    Parameters
    ----------
    path : Path
        Map of MRC or OME-Zarr, or a PDB or mmCIF file (also `.gz`), which needs the package gemmi.

    Returns
    -------
    density : Tensor
        `[z, y, x]`.
    pixel_size : float
        Å per voxel.

    Raises
    ------
    InputError
        If the file cannot be read, has no voxel size, no density above zero or no atoms.
    """
    refuse_special(path)
    if any(suffix.lower() in _ATOMS for suffix in path.suffixes):
        return _from_atoms(path), _PIXEL_SIZE
    density, pixel_size = read_map(path)
    if not pixel_size:
        raise InputError(f"{path}: no voxel size in its header; set it, so that the particle has a size")
    return density, pixel_size


def read_map(path: Path) -> tuple[Float[Tensor, "d h w"], float]:
    """Read a density from a map, and its Å per voxel, 0 where the header does not say.

    Raises
    ------
    InputError
        If the file cannot be read or has no density above zero.
    """
    volume = open_volume(path)
    density = torch.tensor(volume.read())
    if not float(density.max()) > 0:
        raise InputError(f"{path}: no density above zero; give a map with bright mass")
    return density, volume.header.pixel_size


def _from_atoms(path: Path) -> Float[Tensor, "d h w"]:
    """Draw the atoms of the first model by their mass, blurred."""
    try:
        import gemmi  # noqa: PLC0415
    except ImportError as error:
        raise InputError(f"{path}: reading atoms needs gemmi; pip install gemmi, or give a map") from error
    try:
        model = gemmi.read_structure(str(path))[0]
        atoms = [
            (*atom.pos.tolist(), atom.element.weight * atom.occ)
            for chain in model
            for residue in chain
            for atom in residue
        ]
    except (OSError, ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{path}: not a readable structure ({' '.join(str(error).split())}); give a map") from error
    if not atoms:
        raise InputError(f"{path}: holds no atoms; give a structure with coordinates, or a map")
    table = np.array(atoms, dtype=np.float64)
    if not np.isfinite(table).all() or np.prod(np.ptp(table[:, :3], axis=0) / _PIXEL_SIZE + _BESIDE) > _LARGEST:
        raise InputError(f"{path}: its atoms lie too far apart; give one particle")
    places = table[:, 2::-1] / _PIXEL_SIZE
    places -= places.min(axis=0) - _BORDER
    edges = np.ceil(places.max(axis=0)).astype(int) + _BORDER
    density, _ = np.histogramdd(places, bins=edges.tolist(), range=[(0, edge) for edge in edges], weights=table[:, 3])
    return torch.from_numpy(gaussian_filter(density, _BLUR / _PIXEL_SIZE).astype(np.float32))
