"""Metadata of every program: values read by eye from real files, variants that programs write, and broken twins."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import TiltSeries, defocus_at_zero_tilt


def only(path: Path) -> TiltSeries:
    (found,) = metadata.read_series(path)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file and return its path."""

    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("metadata/aretomo/global_and_local.aln", 37, -27.71, 44.29),
        ("metadata/aretomo/global_no_local.aln", 61, -63.20, 56.79),
        ("metadata/aretomo/global_no_local.tlt", 61, -63.20, 56.79),
        ("metadata/aretomo/test.aln", 4, -61.5, -57),
        ("metadata/aretomo/test_thickness.aln", 4, -61.5, -57),
        ("metadata/imod/cryoet-alignment_imod_1/tilt_1.tlt", 59, -52.24, 63.76),
        ("metadata/imod/cryoet-alignment_imod_1/tilt.com", 59, -52.24, 63.76),
        ("metadata/imod/etomofiles_TS_001/TS_001.tlt", 40, -57.12, 59.84),
        ("metadata/imod/etomofiles_TS_001/TS_001.rawtlt", 40, -60, 56.99),
        ("metadata/imod/etomofiles_TS_001/TS_001.edf", 39, -57.12, 56.96),  # view 40 is excluded
        ("metadata/mdoc/EMPIAR-10164_like_tilt_series.mdoc", 41, 0.000999877, 60.0006),
        ("metadata/relion5/cylindra_job/tilt_series/13pf_MT.star", 5, 0.1, -60.1),
        ("metadata/relion5/cylindra_job/tilt_series/14pf_MT.star", 7, 0, 60),
        ("metadata/warp/warpylib_TS_1.xml.gz", 41, -34.089885, 45.900115),
        ("empiar10499/tiltseries/00254.tlt", 41, -60.01, 59.98),
        ("empiar10499/tiltseries/00254.xml", 41, 60.01, -59.98),  # AreAnglesInverted says True, and here False
        ("empiar10499/tiltseries/00254_import_reference.xml", 41, 60.01, -59.98),
    ],
)
def test_tilts(shared_data: Path, name: str, count: int, first: float, last: float) -> None:
    tilts = only(shared_data / name).tilts
    assert tilts is not None
    assert (len(tilts), tilts[0], tilts[-1]) == (count, pytest.approx(first), pytest.approx(last))
    assert metadata.read_tilt_angles(shared_data / name).tolist() == list(tilts)
    assert metadata.is_metadata(shared_data / name)


@pytest.mark.parametrize(
    ("name", "defocus", "constants"),
    [
        ("empiar10499/tiltseries/00254.xml", 19049.848, (300, 2.7, 0.1, 1.7005)),
        ("empiar10499/tiltseries/00254_import_reference.xml", None, (300, 2.7, 0.07, None)),
        ("metadata/warp/warpylib_TS_1.xml.gz", 29047.873, (300, 3.27283443186616, 0.1, 0.834)),
        ("metadata/mdoc/EMPIAR-10164_like_tilt_series.mdoc", 40000, (None, None, None, 5.4)),
        ("metadata/relion5/tiltstack_corrected_micrographs.star", None, (300, 2.7, 0.1, 1.35)),
        ("metadata/imod/etomofiles_TS_001/TS_001.edf", None, (None, None, None, 6.192)),
    ],
)
def test_defocus_and_microscope(
    shared_data: Path, name: str, defocus: float | None, constants: tuple[float | None, ...]
) -> None:
    found = only(shared_data / name)
    assert found.defocus() == (None if defocus is None else pytest.approx(defocus))
    assert (found.voltage, found.cs, found.amplitude_contrast, found.image_pixel_size) == constants


def test_aretomo_ctf_tables(shared_data: Path) -> None:
    """Seven or eight columns; the middle image is near zero tilt where no angles are known."""
    seven = only(shared_data / "metadata/aretomo/test_CTF.txt")
    assert seven.defoci == pytest.approx(((25951.41 + 24469.37) / 2, (24973.29 + 23547.11) / 2, 20058.85))
    assert seven.defocus() == pytest.approx(24260.2)
    assert defocus_at_zero_tilt(seven.defoci, (3, -3, 0.1)) == pytest.approx(
        24260.2
    )  # the last one's fit is far off its neighbours
    eight = only(shared_data / "metadata/aretomo/test_8col_CTF.txt")
    assert len(eight.defoci) == 31
    tilts = [3.0 * (index - 15) for index in range(31)]
    assert defocus_at_zero_tilt(eight.defoci, tilts) == pytest.approx((19917.13 + 19837.62) / 2)


def test_aretomo_metrics_of_two_tomograms(shared_data: Path) -> None:
    found = metadata.read_series(shared_data / "metadata/aretomo/TiltSeries_Metrics.csv")
    assert [(item.names, item.image_pixel_size) for item in found] == [
        (("pda2021-01-12-1",), 1.69),
        (("pda2021-01-12-2",), 1.62),
    ]


def test_relion_tables_of_tomograms(shared_data: Path) -> None:
    """One with files of tilt series that lie elsewhere than the table says, one with blocks of projections."""
    first, second = metadata.read_series(shared_data / "metadata/relion5/cylindra_job/tomograms.star")
    assert (first.names, second.names) == (("TS_01", "13pf_MT"), ("TS_02", "14pf_MT"))
    assert first.tilts == (0.1, -30.1, 30.3, 59.9, -60.1)
    assert (second.pixel_size, second.voltage, second.cs, second.amplitude_contrast) == (10.52, 300, 2.7, 0.1)
    assert (second.hand, second.defocus()) == (-1, None)
    three = metadata.read_series(shared_data / "metadata/relion5/cryoet-alignment_matching_tomograms.star")
    assert [item.names for item in three] == [(f"24jul16a_Position_{part}",) for part in ("27_1", "18_1", "16_3")]
    tilts = three[0].tilts
    assert tilts is not None
    assert (len(tilts), tilts[0], tilts[15]) == (31, pytest.approx(-45.01, abs=0.01), pytest.approx(-0.01, abs=0.001))
    assert three[0].defocus() == pytest.approx((19873.6 + 19748.3) / 2)
    with pytest.raises(InputError, match=r"lists 3 tilt series .* --metadata"):
        metadata.read_tilt_angles(shared_data / "metadata/relion5/cryoet-alignment_matching_tomograms.star")


def test_failed_fit_at_zero_tilt_gives_way_to_its_neighbours() -> None:
    tilts = (-6, -3, 0, 3, 6, 9)
    assert defocus_at_zero_tilt((30000, 31000, 32000, 31000, 30500, 1), tilts) == 32000
    assert defocus_at_zero_tilt((30000, 31000, 900, 31200, 30500, 1), tilts) == 30500
    assert defocus_at_zero_tilt((30000, 32000), (-1.5, 1.5)) == 31000


MDOC = "PixelSpacing = 2.1\nVoltage = 200\n[T = SerialEM]\n\n"
CTFFIND = """# Output from CTFFind version 4.1.14, run on 2024-01-01 10:00:00
# Input file: TS_1.mrc ; Number of micrographs: 3
# Pixel size: 1.350 Angstroms ; acceleration voltage: 300.0 keV ; spherical aberration: 2.70 mm ; amplitude contrast: 0.07
# Box size: 512 pixels ; min. res.: 30.0 Angstroms ; max. res.: 5.0 Angstroms ; min. def.: 5000.0 um; max. def. 50000.0 um
# Columns: #1 - micrograph number; #2 - defocus 1 [Angstroms]; #3 - defocus 2; #4 - azimuth of astigmatism; #5 - additional phase shift [radians]; #6 - cross correlation; #7 - spacing (in Angstroms) up to which CTF rings were fit successfully
1.000000 41000.0 39000.0 30.0 0.0 0.1 8.0
2.000000 30500.0 29500.0 30.0 0.0 0.1 8.0
3.000000 20000.0 20000.0 30.0 0.0 0.1 8.0
"""  # noqa: E501
RELION = """data_TS_1

loop_
_rlnMicrographName #1
_rlnTomoNominalStageTiltAngle #2
_rlnTomoYTilt #3
_rlnDefocusU #4
_rlnDefocusV #5
a.mrc -3.0 -1.0 30000 31000
b.mrc 0.0 2.0 29000 30000
c.mrc 3.0 5.0 29300 30300
"""


@pytest.mark.parametrize(
    ("name", "content", "tilts", "defocus"),
    [
        ("a.mdoc", MDOC + "[FrameSet = 0]\nTiltAngle = -3.5\nSubFramePath = X:\\a b.tif\n", (-3.5,), None),
        (
            "a.mdoc",
            MDOC
            + "[ZValue = 0]\nTiltAngle = 3\nTargetDefocus = -2.5\n\n[ZValue = 1]\nTiltAngle=-3\nTargetDefocus=-2.5",
            (3, -3),
            25000,
        ),
        (
            "a.mdoc",
            MDOC
            + "".join(f"[ZValue = {n}]\nTiltAngle = {10 * n}\nTargetDefocus = {-1 - n / 100}\n" for n in (2, 0, 1)),
            (0, 10, 20),
            10000,
        ),
        ("a.mdoc", MDOC + "".join(f"[ZValue = 0]\nTiltAngle = {tilt}\n\n" for tilt in (3, -3)), (3, -3), None),
        ("TS_1.mrc.mdoc", MDOC + "[MontSection = 0]\nTiltAngle = 9\n[ZValue = 0]\nTiltAngle = 1\n", (1,), None),
        ("a_ctffind4.txt", CTFFIND, None, 30000),
        ("a_CTF.txt", CTFFIND.replace("0.1 8.0", "nan inf"), None, 30000),  # no rings were fit
        ("a.mdoc", MDOC.encode() + b"[ZValue = 0]\nTiltAngle = 3\nNote = 10 \xb5m, 5\xb0\n", (3,), None),
        ("a.rawtlt", "-3\r\n\r\n+3.0e0 # last\r\n", (-3, 3), None),
        ("tilt.com", "$tilt\nANGLES -3,0 3\nEXCLUDELIST2\nDONE\n", (-3, 0, 3), None),
        ("a.star", RELION, (-1, 2, 5), 30500),
        ("a.star", RELION.replace("_rlnTomoYTilt #3", "_rlnOther #3"), (-3, 0, 3), 29500),
        ("a.defocus", "1 1 -60.00 -60.00 3100 2\n2 2 0.5 0.5 3200\n3 3 61 61 3300\n", None, 32000),
        ("a.defocus", "1 3 -2.00 2.00 3150\n", None, 31500),
        ("a.defocus", "1 9 -20 4 3000\n10 12 5 8 3100\n13 40 8 60 3200\n", None, 30000),
        ("TS_TLT.txt", "-3.0 2 3.1\n0.1 1 0\n3.0 3 6.2\n", (-3, 0.1, 3), None),
        ("TS.tomostar", "data_\n\nloop_\n_wrpMovieName #1\n_wrpAngleTilt #2\na.mrc 3\nb.mrc -3\n", (-3, 3), None),
        ("a.defocus", "1 0 0. 0. 0. 3\n1 1 -3.0 -3.0 3000 2900 45\n2 2 0 0 3200 3000 45\n", None, 31000),
        ("a.defocus", "5 0 0. 0. 0. 3\n1 1 0.0 0.0 3000 2900 45 90\n", None, 29500),
        ("a.defocus", "0 0 0. 0. 0. 3\n1 1 0.0 0.0 3000\n", None, 30000),
        ("tilt.com", "$tilt -StandardInput\nANGLES -3,0 3\nOFFSET 1.5\n", (-1.5, 1.5, 4.5), None),
        ("tilt.com", "$tilt\nangles -6,-3,0,3,6\nEXCLUDELIST2 1,4-5\nRotateBy90 1\n", (-3, 0), None),
        ("tilt.com", "$tilt\nANGLES -6,-3,0,3,6\nEXCLUDE 1\nEXCLUDELIST 2\n#OFFSET 9\n", (0, 3, 6), None),
        ("tilt.com", "$tilt\nANGLES -6,-3,0,3,6\nINCLUDE 2-4\n", (-3, 0, 3), None),
        (
            "a.aln",
            "# x\n# Thickness = 10\n0 0 1 0 0 1 1 1 0 -3\n1 0 1 0 0 1 1 1 0 3\n#Local Alignment\n0 0 1\n",
            (-3, 3),
            None,
        ),
    ],
)
def test_variants(
    write: Callable[..., Path], name: str, content: str | bytes, tilts: object, defocus: float | None
) -> None:
    path = write(name, content)
    found = only(path)
    assert found.tilts == tilts
    assert found.defocus() == defocus
    packed = only(write(f"packed/{name}.gz", gzip.compress(path.read_bytes())))
    assert (packed.tilts, packed.defoci, packed.nominal) == (found.tilts, found.defoci, found.nominal)


PHASE = "data_TS_1\n\nloop_\n_rlnTomoYTilt #1\n_rlnDefocusU #2\n_rlnPhaseShift #3\n-3 1 88\n0 2 90\n3 3 94\n"
XML = "<TiltSeries><Angles>-3\n0\n3</Angles><UseTilt>True\nTrue\nFalse</UseTilt>{}</TiltSeries>"
GRID = "<GridCTFPhase>" + "".join(f'<Node Z="{z}" Value="{value}"/>' for z, value in enumerate((0.4, 0.6, 9)))
PARAMETER = '<CTF><Param Name="PhaseShift" Value="0.5"/></CTF>'


@pytest.mark.parametrize(
    ("name", "content", "degrees"),
    [
        ("a.star", PHASE, 90),
        ("a.star", RELION, None),
        ("a.xml", XML.format(PARAMETER), 90),
        ("a.xml", XML.format(GRID + "</GridCTFPhase>"), 90),  # of the images used
        ("a.xml", XML.format('<GridCTFPhase><Node Z="0" Value="0"/></GridCTFPhase>' + PARAMETER), 90),
        ("a.xml", XML.format('<GridCTFPhase><Node Z="0" Value="0.25"/></GridCTFPhase>' + PARAMETER), 45),
        ("a.xml", XML.format(""), None),
        ("a.defocus", "4 0 0. 0. 0. 3\n1 1 -3 -3 3000 85\n2 2 0 0 3000 90\n3 3 3 3 3000 91\n", 90),
        ("a.defocus", "5 0 0. 0. 0. 3\n1 1 0 0 3000 2900 45 90\n", 90),
        ("a.defocus", "13 0 0. 0. 0. 3\n1 1 0 0 3000 2900 45 1.5707963\n", 90),
        ("a.defocus", "36 0 0. 0. 0. 3\n1 1 0 0 3000 90 0.02\n", 90),
        ("a.defocus", "1 0 0. 0. 0. 3\n1 1 0 0 3000 2900 45\n", None),
        ("a_CTF.txt", CTFFIND.replace("30.0 0.0 ", "30.0 1.5707963 "), 90),
        ("a_CTF.txt", CTFFIND, None),
    ],
)
def test_phase_shift_in_degrees(write: Callable[..., Path], name: str, content: str, degrees: float | None) -> None:
    """Of Warp in units of pi, of CTFFIND and AreTomo in radians, of RELION in degrees, of IMOD as its flags say."""
    found = only(write(name, content)).phase_shift
    assert found == (None if degrees is None else pytest.approx(degrees))


OPTICS = """data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnSphericalAberration #4
_rlnAmplitudeContrast #5
_rlnTomoTiltSeriesPixelSize #6
1 early 200 1.4 0.08 1.35
2 late 300 2.7 0.1 2.7

"""


def test_optics_groups_stand_for_what_rows_leave_out(write: Callable[..., Path]) -> None:
    """By their names or numbers; what the row says itself wins; one group alone is that of a tilt series."""
    named = "data_global\n\nloop_\n_rlnTomoName #1\n_rlnOpticsGroupName #2\nTS_1 early\nTS_2 late\n"
    first, second = metadata.read_series(write("tomograms.star", OPTICS + named))
    assert (first.voltage, first.cs, first.amplitude_contrast, first.image_pixel_size) == (200, 1.4, 0.08, 1.35)
    assert (second.voltage, second.image_pixel_size) == (300, 2.7)
    numbered = "data_global\n\nloop_\n_rlnTomoName #1\n_rlnOpticsGroup #2\n_rlnVoltage #3\nTS_1 1 120\n"
    assert (only(write("b.star", OPTICS + numbered)).voltage, only(write("b.star", OPTICS + numbered)).cs) == (120, 1.4)
    one = OPTICS.replace("2 late 300 2.7 0.1 2.7\n", "")
    assert only(write("TS_1.star", one + RELION)).voltage == 200
    assert only(write("TS_1.star", OPTICS + RELION)).voltage is None


def test_ctffind_header(write: Callable[..., Path]) -> None:
    found = only(write("a.txt", CTFFIND))
    assert (found.voltage, found.cs, found.amplitude_contrast, found.image_pixel_size) == (300, 2.7, 0.07, 1.35)


def test_tilt_command_of_a_renamed_data_set(write: Callable[..., Path]) -> None:
    """The angles' file named inside, or the only one there; two others are no choice."""
    command = write("tilt.com", "$tilt\nInputProjections old_ali.mrc\nTILTFILE old.tlt\nOFFSET -1\nEXCLUDELIST 1\n")
    with pytest.raises(InputError, match=r"tilt\.com: its TILTFILE old\.tlt is not there"):
        metadata.read_series(command)
    write("new.tlt", "-3\n0\n3\n")
    assert only(command).tilts == (-1, 2)
    write("other.tlt", "1\n2\n3\n")
    with pytest.raises(InputError, match=r"old\.tlt is not there"):
        metadata.read_series(command)
    write("old.tlt", "-9\n0\n9\n")
    assert (only(command).tilts, only(command).names) == ((-1, 8), ("old",))


def test_warp_leaves_out_deselected_tilts(shared_data: Path, write: Callable[..., Path]) -> None:
    text = (shared_data / "empiar10499/tiltseries/00254.xml").read_text(encoding="utf-8-sig")
    found = only(write("a.xml", text.replace("<UseTilt>True", "<UseTilt>False")))
    assert found.tilts is not None
    assert (len(found.tilts), found.tilts[0]) == (40, 57)
    assert found.defocus() == pytest.approx(19049.848)


def test_relion_project_is_searched_upwards(write: Callable[..., Path], tmp_path: Path) -> None:
    """Paths in a job's table are relative to the project's root; a missing file leaves the constants."""
    write("Tomograms/job010/tilt_series/TS_1.star", RELION)
    table = write(
        "Denoise/job011/tomograms.star",
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n_rlnVoltage #3\n"
        "_rlnTomoTiltSeriesPixelSize #4\n_rlnTomoTomogramBinning #5\n"
        "TS_1 Tomograms/job010/tilt_series/TS_1.star 300 1.35 7.4\nTS_2 nowhere/TS_2.star 300 1.35 7.4\n",
    )
    first, second = metadata.read_series(table)
    assert (first.tilts, first.defocus(), first.tilt_file) == (
        (-1, 2, 5),
        30500,
        tmp_path / "Tomograms/job010/tilt_series/TS_1.star",
    )
    assert first.pixel_size == pytest.approx(9.99)
    assert (second.tilts, second.voltage) == (None, 300)


ALN = "0 0 1 0 0 1 1 1 0 -3\n1 0 1 0 0 1 1 1 0 3\n"
EDF = "Setup.DatasetName=TS\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tlt", "-60,-57,-54\n", "'-60,-57,-54' is not a number"),
        ("a.tlt", "-60 -57 -54\n", "3 columns, 1 expected"),
        ("a.aln", ALN[:-3], "line 2 has 9 columns, 10 expected"),
        ("a.aln", ALN.replace(" ", ","), "line 1 has 1 column"),
        ("a.aln", ALN.replace("-3", "nan"), "'nan' is not a number"),
        ("a_CTF.txt", CTFFIND[:-5], "line 8 has 6 columns, 7 expected"),
        ("a_CTF.txt", CTFFIND.replace("0 41000.0 ", "0,41000.0 "), "line 6 has 6 columns"),
        ("a_CTF.txt", CTFFIND.replace("41000.0", "NaN"), "line 6: 'NaN' is not a number"),
        ("a_CTF.txt", CTFFIND.replace("300.0 keV", "high keV"), "acceleration voltage: 'high'"),
        ("TiltSeries_Metrics.csv", "Tilt_Series;Pix_Size(A)\na;1\n", "with commas"),
        ("TiltSeries_Metrics.csv", "Tilt_Series,Pix_Size(A)\na.mrc\n", "line 2 has 1 column, 2 expected"),
        ("TiltSeries_Metrics.csv", "Tilt_Series,Pix_Size(A)\na.mrc,nan\n", "Pix_Size(A): 'nan'"),
        ("a.mdoc", MDOC, "no [ZValue = n] section"),
        ("a.mdoc", MDOC + "[ZValue = 0]\nTiltAngle = 3\n[ZValue = 1]\nStage", "[ZValue = 1] has no TiltAngle"),
        ("a.mdoc", MDOC + "[ZValue = 0]\nTiltAngle = 3\n[ZValue = 1]\n", "[ZValue = 1] has no TiltAngle"),
        ("a.mdoc", MDOC + "[ZValue = 0]\nTiltAngle = nan\n", "[ZValue = 0] TiltAngle: 'nan'"),
        ("a.mdoc", MDOC + "[ZValue = 0]\nTiltAngle = 3,0\n", "'3,0' is not a number"),
        ("a.star", "nothing\n", "no table with rlnTomoName"),
        ("a.star", RELION.replace("-1.0", "nan"), "row 1 of the tilt series: 'None' is not a number"),
        ("a.star", RELION.replace("29000", "x"), "row 2 of the tilt series: rlnDefocusU: 'x'"),
        ("a.star", RELION[:-20], "a.star: "),
        ("a.star", RELION.replace(" 5.0 ", ","), "a.star: "),
        ("a.star", "data_a\n\nloop_\n_rlnTomoProjZ #1\n[0,0,0,0]\n", "no direction"),
        ("a.star", "data_a\n\nloop_\n_rlnTomoProjZ #1\n[0,1]\n", "four numbers"),
        ("align.com", "$tiltalign -StandardInput\nTiltFile a.rawtlt\n", "does not run $tilt"),
        ("TS_TLT.txt", "-3 1 0\n0 2\n", "line 2 has 2 columns, 3 expected"),
        ("a.tomostar", "data_\n\nloop_\n_wrpAngleTilt #1\nx\n", "row 1: wrpAngleTilt: 'x'"),
        ("tilt.com", "$tilt\nTHICKNESS 5\n", "no TILTFILE and no ANGLES"),
        ("tilt.com", "$tilt\nANGLES 1;2\n", "'1;2' is not a number"),
        ("tilt.com", "$tilt\nANGLES 1,2\nEXCLUDELIST 2-1\n", "'2-1' is no list of views"),
        ("tilt.com", "$tilt\nANGLES 1,2\nEXCLUDELIST 1-2\n", "all views are left out"),
        ("tilt.com", f"$tilt\nTILTFILE {'a' * 300}.tlt\n", "is not there"),
        ("a.edf", "Setup.PixelSize=1\n", "no Setup.DatasetName"),
        ("a.edf", EDF, "no TS.tlt or TS.rawtlt beside it"),
        ("a.edf", EDF + "Setup.PixelSize=wide\n", "Setup.PixelSize: 'wide'"),
        ("a.defocus", "1 1 0 0\n", "line 1 has 4 columns, 5 expected"),
        ("a.defocus", "1 0 0. 0. 0. 3\n1 1 -3.0 -3.0 3000\n", "line 2 has 5 columns, 7 expected"),
        ("a.defocus", "1,1,0,0,3000\n", "line 1 has 1 column"),
        ("a.defocus", "1 1 0 0 nan 2\n", "'nan' is not a number"),
        ("a.xml.gz", gzip.compress(b"<TiltSeries>" * 99, mtime=0)[:-20], "damaged gzip file"),
        ("a.xyz", "1\n", "no metadata that is known"),
    ],
)
def test_broken_twins(write: Callable[..., Path], name: str, content: str, message: str) -> None:
    path = write(name, content)
    with pytest.raises(InputError) as caught:
        metadata.read_series(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


SUFFIXES = (
    ".tlt",
    ".com",
    ".edf",
    ".defocus",
    ".aln",
    ".txt",
    ".csv",
    ".mdoc",
    ".xml",
    ".star",
    ".tomostar",
    "_tlt.txt",
)
SNIPPETS = r"""
[ZValue = 0]
TiltAngle = 3
data_a

loop_
_rlnTomoName #1
_rlnTomoYTilt #2
a 1
1 -3.5
<TiltSeries>
<Angles>1 2</Angles>
</TiltSeries>
$tilt
ANGLES 1
EXCLUDELIST 1-
Tilt_Series,Pix_Size(A)
1 2 3 4 5 6 7
# Columns: #1 #2
Setup.DatasetName=../x
1e999 nan " , é
""".splitlines(keepends=True)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".star", ".tomostar", ".mdoc.gz"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_truncated_and_spliced_files_of_any_kind_never_crash(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    """Whatever the bytes: a result or one line that names the file."""
    spliced = st.lists(st.sampled_from(SNIPPETS), max_size=12).map(lambda lines: "".join(lines).encode())
    raw = data.draw(st.one_of(st.binary(max_size=60), spliced))
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(raw)
    for read in (metadata.read_series, metadata.read_tilt_angles):
        try:
            read(path)
        except InputError as error:
            assert str(path) in str(error)
            assert "\n" not in str(error)


def test_cut_real_files_never_crash(shared_data: Path, tmp_path: Path) -> None:
    """Each real file cut short at many places: a result or one line."""
    files = [
        item for item in sorted(shared_data.glob("metadata/**/*")) if item.is_file() and metadata.is_metadata(item)
    ]
    assert len(files) > 15
    for item in files:
        raw = item.read_bytes()
        for part in range(1, 12):
            path = tmp_path / item.name
            path.write_bytes(raw[: len(raw) * part // 12])
            try:
                metadata.read_series(path)
            except InputError as error:
                assert str(tmp_path) in str(error)
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("TS_1.aln", ".aln of AreTomo is not read; give the .xf in its folder TS_1_Imod"),
        ("TS_1.star", ".star of RELION is not read; give the .xf of IMOD or AreTomo, or Warp's .xml"),
        ("TS_1.tlt", "a .tlt has no alignment; give the .xf"),
        ("TS_1.mdoc.gz", "a .mdoc has no alignment; give the .xf"),
    ],
)
def test_alignments_that_are_not_read_are_named(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"{tmp_path / name}: ") + ".*" + re.escape(message)):
        metadata.read_alignment(tmp_path / name)
