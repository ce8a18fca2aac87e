"""Small valid files of every kind the program reads, from which damaged ones are made."""

import bz2
import gzip
import io
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import mrcfile
import numpy as np
import torch
import yaml

from isonet.config import RefineConfig
from isonet.io import checkpoint
from isonet.io.programs import imod
from isonet.train.network.unet import UNet, UNetShape

SHAPE = UNetShape(depth=1, filter_base=2, convs_per_depth=2, drop_out=0.0)
_SAID = {"input_column": "rlnTomoName", "tilts": [[-60.0, 60.0]], "pixel_sizes": [10.0, None]}
_LARGEST = 30_000  # bytes; longer files of other programs are cut, so that a case takes a millisecond


def real(folder: Path | None, *patterns: str) -> list[bytes]:
    """Contents of the files in `folder/metadata` of some names; none where there is no folder."""
    if folder is None:
        return []
    found = sorted(path for pattern in patterns for path in (folder / "metadata").rglob(pattern))
    contents = (path.read_bytes() for path in found)
    plain = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in contents)
    return [raw[:_LARGEST] for raw in plain]


def texts(*files: str) -> list[bytes]:
    """Files written out here."""
    return [file.encode() for file in files]


def star(columns: Iterable[str], *rows: str) -> str:
    """Write a STAR table."""
    labels = "".join(f"_{name} #{number}\n" for number, name in enumerate(columns, start=1))
    return f"data_\n\nloop_\n{labels}" + "".join(f"{row}\n" for row in rows)


TILT_SERIES = star(["rlnTomoYTilt", "rlnDefocusU", "rlnDefocusV"], "-3.0 20000 21000", "0.0 20500 21000")
TOMOGRAMS = star(
    ["rlnTomoName", "rlnVoltage", "rlnTomoTiltSeriesPixelSize", "rlnTomoTomogramBinning"], "TS_1 300 1.35 8"
)
PARTICLES = star(
    ["rlnTomoName", "rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst", "rlnCenteredCoordinateZAngst"],
    "TS_1 10 -20 5.5",
)
VOXELS = star(["rlnMicrographName", "rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"], "a.mrc 1 2 3")
OWN = star(
    ["rlnIndex", "rlnTomoName", "rlnPixelSize", "rlnDefocus", "rlnNumberSubtomo", "rlnMinTilt", "rlnMaxTilt"],
    "1 a.mrc 10.0 20000 100 -60 60",
    '2 "b c.mrc" 10.0 None 100 -60 60',
)
WARP = """<?xml version="1.0" encoding="utf-8"?>
<TiltSeries AreAnglesInverted="False">
<Angles>-3
0
3</Angles><AxisAngle>85
85
85</AxisAngle><AxisOffsetX>1
2
3</AxisOffsetX><AxisOffsetY>0
0
0</AxisOffsetY><UseTilt>True
True
False</UseTilt>
<CTF><Param Name="Defocus" Value="2.5" /><Param Name="Voltage" Value="300" /></CTF>
<GridCTF Width="1" Height="1" Depth="3"><Node X="0" Y="0" Z="0" Value="2.1" /><Node X="0" Y="0" Z="1" Value="2.2" />
<Node X="0" Y="0" Z="2" Value="2.3" /></GridCTF></TiltSeries>
"""
MDOC = (
    "Voltage = 300\nPixelSpacing = 1.35\n\n"
    "[ZValue = 0]\nTiltAngle = 3.0\nTargetDefocus = -3\n[ZValue = 1]\nTiltAngle = 0\n"
)
ALN = (
    "# AreTomo Alignment\n# SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT\n"
    "0 85 1 2 3 1 1 1 0 -3.0\n1 85 1 2 3 1 1 1 0 0\n"
)
CTF = (
    "# Columns: #1 micrograph number; #2 - defocus 1 [A]; #3 - defocus 2; #4 ; #5 ; #6 ; #7\n1 20000 21000 45 0 0.1 8\n"
)
TILT_COMMAND = "$setenv IMOD 1\n$tilt -StandardInput\nTILTFILE\tfuzz.tlt\nANGLES -3,0,3\nOFFSET 1\nEXCLUDELIST 1,3-4\n"
ETOMO = "Setup.DatasetName=fuzz\nSetup.PixelSize=0.135\nSetup.AxisA.ExcludeProjections=1,3\n"
DEFOCUS = "1 0 0. 0. 0. 3\n1 1 -3 -3 2000 2100 45\n2 2 0 0 2000 2050 45\n"
PDB = (
    "ATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00           N\n"
    "ATOM      2  CA  ALA A   1      11.639   6.071  -5.147  1.00  0.00           C\nEND\n"
)
CIF = (
    "data_x\nloop_\n_atom_site.group_PDB\n_atom_site.id\n_atom_site.type_symbol\n_atom_site.label_atom_id\n"
    "_atom_site.label_alt_id\n_atom_site.label_comp_id\n_atom_site.label_asym_id\n_atom_site.label_seq_id\n"
    "_atom_site.Cartn_x\n_atom_site.Cartn_y\n_atom_site.Cartn_z\n_atom_site.occupancy\n"
    "_atom_site.B_iso_or_equiv\n_atom_site.auth_seq_id\n_atom_site.auth_asym_id\n"
    "ATOM 1 N N . ALA A 1 1.0 2.0 3.0 1.0 0.0 1 A\n"
)
POLYGONS = '{"polygons": [{"points": [[1, 1], [9, 1], [5, 9.5]], "z": [0, 10], "exclude": false}]}'
OPTIONS = "cube-size: 64\nepochs: 5\nnoise-level: [0.05, 0.1]\nmixed: true\n"
STATUS = '{"command": "refine", "state": "running", "seconds": 3.5, "earlier": [{"seconds": 1}]}'
ZARR_GROUP = '{"zarr_format": 2}'
ZARR_ARRAY = (
    '{"zarr_format": 2, "shape": [3, 4, 5], "chunks": [2, 2, 2], "dtype": "<f4", "fill_value": 0.0, "order": "C", '
    '"filters": null, "dimension_separator": "/", "compressor": null}'
)
ZARR_3_ARRAY = (
    '{"zarr_format": 3, "node_type": "array", "shape": [3, 4, 5], "data_type": "float32", "chunk_grid": {"name": '
    '"regular", "configuration": {"chunk_shape": [2, 2, 2]}}, "chunk_key_encoding": {"name": "default", '
    '"configuration": {"separator": "/"}}, "fill_value": 0.0, "codecs": [{"name": "bytes", "configuration": {"endian": '
    '"little"}}], "attributes": {}, "dimension_names": ["z", "y", "x"], "storage_transformers": []}'
)
ZARR_IMAGE = (
    '{"multiscales": [{"version": "0.4", "name": "x", "axes": [{"name": "z", "type": "space", "unit": "angstrom"}, '
    '{"name": "y", "type": "space", "unit": "nanometer"}, {"name": "x", "type": "space"}], "datasets": [{"path": "0", '
    '"coordinateTransformations": [{"type": "scale", "scale": [10.0, 1.0, 10.0]}, {"type": "translation", '
    '"translation": [0, 1, 2]}]}]}], "isonet": {"labels": ["a"], "start": [1, 2, 3]}}'
)
VALIDATION = '{"pixel_size": 10.0, "status": "fine", "withheld": {"correlation": [0.1, 0.2]}}'


def mrc_files() -> list[bytes]:
    """Volumes of several modes, with and without extended header."""
    found = []
    for kind in (np.float32, np.int8, np.int16, np.uint16, np.float16):
        stream = io.BytesIO()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.mrc"
            with mrcfile.new(path) as mrc:
                mrc.set_data(np.arange(60, dtype=kind).reshape(3, 4, 5))
                mrc.voxel_size = 10.0
                if kind is np.int16:
                    mrc.set_extended_header(np.zeros(128, "S1"))
            stream.write(path.read_bytes())
        found.append(stream.getvalue())
    return found


def packed(raw: bytes, ending: str) -> bytes:
    """Pack a file as its ending says."""
    return gzip.compress(raw, 1, mtime=0) if ending.endswith(".gz") else bz2.compress(raw, 1)


def models() -> list[bytes]:
    """Models with a network and without."""
    description = {"method": "denoise", "network": asdict(SHAPE), "cube_size": 16, **_SAID}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        torch.manual_seed(0)
        checkpoint.save_model(path, UNet(SHAPE).state_dict(), description)
        whole = path.read_bytes()
        checkpoint.save_model(path, {"a": torch.zeros(2)}, {"method": "denoise"})
        return [whole, path.read_bytes()]


def states() -> list[bytes]:
    """States of a training."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        checkpoint.save_state(path, {"table": "t.star", "iteration": 1, "weights": {"a": torch.zeros(3)}})
        return [path.read_bytes()]


def imod_models() -> list[bytes]:
    """Models of closed contours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mod"
        imod.write_closed(path, [("area", [np.ones((4, 3))]), ("b", [np.zeros((3, 3))] * 2)], (50, 60, 70), 10.0)
        return [path.read_bytes()]


def stored_options() -> list[bytes]:
    """What a run of refine writes as `config.yaml`."""
    return texts(yaml.safe_dump(RefineConfig().model_dump(mode="json"), sort_keys=False))
