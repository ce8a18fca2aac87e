"""Lists of programs that are not read are refused by their program's name, with what to give instead."""

import struct
from pathlib import Path

import commandline as isonet
import foreign
import pytest

from isonet.errors import InputError
from isonet.io.programs.coordinates import read_coordinates
from isonet.io.programs.metadata import read_series, read_tilts

_ROW = " ".join(str(value) for value in range(1, 36))
MOTIVE_LIST = b"\x06\0\0\x05" + struct.pack("<3i", 20, 3, 1) + bytes(496 + 240)
STOPGAP = "data_stopgap_motivelist\n\nloop_\n_motl_idx\n_tomo_num\n_orig_x\n_orig_y\n_orig_z\n1 1 10 11 12\n"
WEDGES = "data_stopgap_wedgelist\n\nloop_\n_tomo_num\n_tilt_angle\n1 -60\n1 60\n"
PEET = "CCC,reserved,reserved,pIndex,wedgeWT,NA,NA,NA,NA,NA,xOffset,yOffset,zOffset,NA,NA,reserved,phi,psi,theta,NA\n"
PYTOM = '<ParticleList><Particle Filename="a.em"><PickPosition X="1" Y="2" Z="3"/></Particle></ParticleList>'
FILES = {
    "p.tbl": (_ROW + "\n", "Dynamo", "columns 24 to 26"),
    "p.em": (MOTIVE_LIST, "TOM", "rows 8 to 10"),
    "p.star": (STOPGAP, "motive list of STOPGAP", "orig_x"),
    "w.star": (WEDGES, "wedge list of STOPGAP", ".tlt"),
    "p.csv": (PEET + "1,0,0,1,0,0,0,0,0,0,0.5,1,2,0,0,0,10,20,30,0\n", "PEET", "give the model (.mod)"),
    "p.prm": ("fnVolume = {'a.rec'}\nfnModParticle = {'a.mod'}\n", "PEET", "fnModParticle"),
    "p.xml": (PYTOM, "PyTom", "PickPosition"),
    "p_info.json": ('{"apix_unbin": 2.1, "boxes_3d": [[1, 2, 3, "manual", 0, 0]]}', "EMAN2", "boxes_3d"),
    "p.lst": ("#LSX\n# This file is in fast LST format.\n", "EMAN2", "x y z"),
    "p.hdf": (b"\x89HDF\r\n\x1a\n" + bytes(100), "EMAN2", "e2proc3d.py"),
    "p.cbox": ("data_global\n\n_cbox_format_version 1.0\n\ndata_cbox\n", "crYOLO", ".coords"),
    "p.cmm": ('<marker_set name="m">\n<marker id="1" x="1" y="2" z="3"/>\n</marker_set>', "ChimeraX", "x_A y_A z_A"),
    "p.ndjson": (
        '{"type": "orientedPoint", "location": {"x": 1, "y": 2, "z": 3}}\n',
        "CryoET Data Portal",
        "text x y z",
    ),
    "p.json": ('{\n "pickable_object_name": "r", "unit": "angstrom", "points": []}', "copick", "x_A y_A z_A"),
    "other.json": ('[{"x": 1, "y": 2, "z": 3}]', "JSON", "text x y z"),
}


@pytest.mark.parametrize("name", FILES)
def test_they_are_named(prepared: Path, name: str) -> None:
    text, program, way = FILES[name]
    path = foreign.put(prepared.parent / name, text)
    isonet.assert_refused(isonet.call("extract", prepared, coordinates=path), name, program, way)
    for read in (read_series, read_tilts):
        with pytest.raises(InputError, match=program):
            read(path)


@pytest.mark.parametrize("name", ["p.tbl", "p_info.json", "p.xml", "p.em", "p.ndjson"])
def test_they_are_named_in_a_folder(prepared: Path, name: str) -> None:
    text, program, _ = FILES[name]
    foreign.put(prepared.parent / "c" / f"v{name[1:]}", text)
    isonet.assert_refused(isonet.call("extract", prepared, coordinates="c"), f"c/v{name[1:]}", program)


def test_what_is_read_wins_in_a_folder(prepared: Path) -> None:
    foreign.put(prepared.parent / "c/v.tbl", FILES["p.tbl"][0])
    foreign.put(prepared.parent / "c/v.txt", "16 16 12\n")
    isonet.done("extract", prepared, coordinates="c", cube_size=16)


def test_the_way_out_of_dynamo_leads_there(prepared: Path) -> None:
    """x y z as the message's awk writes them, with the shift added."""
    row = [0.0] * 35
    row[3:6], row[23:26] = [0.6, -1.0, 2.0], [15.0, 17.0, 10.0]
    foreign.put(prepared.parent / "p.txt", " ".join(f"{row[23 + axis] + row[3 + axis]:g}" for axis in range(3)) + "\n")
    isonet.done("extract", prepared, coordinates="p.txt", cube_size=16)
    (found,) = isonet.table(Path("subtomo.star"))
    assert [found[f"rlnCoordinate{axis}"] for axis in "XYZ"] == ["16", "16", "12"]


@pytest.mark.parametrize(
    "text",
    [
        "x,y,z,CCC\n1,2,3,0.4\n",
        "CCC,x,y,z\n0.4,1,2,3\n",
        "# particles of EMAN2\n1 2 3\n",
        "score;x;y;z\n0.1;1;2;3\n",
    ],
)
def test_lists_that_are_read_pass(tmp_path: Path, text: str) -> None:
    assert read_coordinates(foreign.put(tmp_path / "p.csv", text)).xyz.tolist() == [[1, 2, 3]]
