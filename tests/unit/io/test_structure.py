"""Densities from maps and from atoms."""

from pathlib import Path

import numpy as np
import pytest
import torch

from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.io.structure import read_density

PDB = "ATOM  {n:5d}  CA  ALA A{n:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           C\n"


def test_atoms_are_where_they_are_and_weigh_the_same(tmp_path: Path) -> None:
    pytest.importorskip("gemmi")
    path = tmp_path / "two.pdb"
    path.write_text(PDB.format(n=1, x=0, y=0, z=0) + PDB.format(n=2, x=80, y=0, z=40) + "END\n")
    density, pixel_size = read_density(path)
    assert float(density.sum()) == pytest.approx(24.02, rel=0.02)  # two carbons
    peaks = torch.nonzero(density > 0.8 * density.max()).float()
    near = peaks[:, 2] < density.shape[2] / 2
    apart = (peaks[~near].mean(0) - peaks[near].mean(0)) * pixel_size
    assert torch.allclose(apart, torch.tensor([40.0, 0.0, 80.0]), atol=4.0)  # z, y, x


@pytest.mark.parametrize(
    ("name", "text"), [("a.pdb", "REMARK\nEND\n"), ("b.cif", "data_x\n_cell.length_a 1\n"), ("c.cif", "\0\0")]
)
def test_files_without_atoms_are_refused(tmp_path: Path, name: str, text: str) -> None:
    pytest.importorskip("gemmi")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=name):
        read_density(tmp_path / name)


def test_atoms_too_far_apart_for_one_particle_are_refused(tmp_path: Path) -> None:
    """Also in a row, whose map is a long beam: 3.5 GB were asked for."""
    pytest.importorskip("gemmi")
    path = tmp_path / "far.pdb"
    far = PDB.format(n=2, x=0, y=0, z=0).replace("   0.000   0.000   0.000", "15000000   0.000   0.000")
    path.write_text(PDB.format(n=1, x=0, y=0, z=0) + far + "END\n")
    with pytest.raises(InputError, match="far apart"):
        read_density(path)


def test_maps_need_a_voxel_size_and_mass(tmp_path: Path) -> None:
    block = np.zeros((4, 5, 6), np.float32)
    block[2, 2, 2] = 1
    mrc.write(tmp_path / "good.mrc", block, Header((5.0, 5.0, 5.0)))
    density, pixel_size = read_density(tmp_path / "good.mrc")
    assert density.shape == (4, 5, 6)
    assert pixel_size == pytest.approx(5)
    mrc.write(tmp_path / "none.mrc", block, Header((0.0, 0.0, 0.0)))
    mrc.write(tmp_path / "empty.mrc", -block, Header((5.0, 5.0, 5.0)))
    for name, word in (("none.mrc", "voxel size"), ("empty.mrc", "above zero")):
        with pytest.raises(InputError, match=word):
            read_density(tmp_path / name)
