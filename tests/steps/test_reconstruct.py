"""Reconstruction of a simulated series (against its truth) and of a real one (against another program's)."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from isonet.config import ReconstructConfig, SimulateConfig
from isonet.core import fourier
from isonet.core.comparison import metrics
from isonet.core.simulation import projection
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import metadata
from isonet.steps.reconstruct import reconstruct
from isonet.steps.simulate import simulate

DEFAULT = "the header gives a pixel size of 1 A, which is a default"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulation without noise, tilts -57 to 63."""
    config = SimulateConfig(
        output_dir=tmp_path_factory.mktemp("simulated"),
        depth=32,
        height=40,
        width=48,
        species=3,
        filaments=0,
        vesicles=1,
        tilt_min=-57,
        tilt_max=63,
        snr=math.inf,
    )
    return simulate(config)


def options(simulated: Path, folder: Path, **changes: object) -> ReconstructConfig:
    return ReconstructConfig(**{"output_dir": folder, "tilt_file": simulated / "tilts.tlt", "thickness": 32, **changes})


def read(path: Path) -> torch.Tensor:
    return torch.tensor(open_volume(path).read())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_aligned_series_gives_the_simulated_tomogram(simulated: Path, tmp_path: Path) -> None:
    path = reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path))
    assert path == tmp_path / "tilts_full.mrc"
    reference = read(simulated / "full.mrc")
    first = math.ceil(math.hypot(32, 48)) // 2 - 24
    found = read(path)[:, :, first : first + 48]
    assert metrics.correlation(found, reference) > 0.97
    assert metadata.read_tilt_angles(tmp_path / "tilts.tlt").tolist() == list(range(-57, 64, 3))
    assert open_volume(path).header.pixel_size == pytest.approx(10)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "tilts.tlt",
        "tilts_even.mrc",
        "tilts_full.mrc",
        "tilts_odd.mrc",
    ]


def test_rows_are_streamed_and_odd_sizes_stay_centred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isonet.steps.reconstruct.step._SLAB_VOXELS", 12 * 27 * 4)
    images = np.random.default_rng(0).normal(size=(5, 21, 27)).astype(np.float32)
    mrc.write(tmp_path / "odd.st", images, Header((8.0, 8.0, 8.0)))
    (tmp_path / "odd.tlt").write_text("-50\n-20\n0\n10\n60\n")
    config = ReconstructConfig(output_dir=tmp_path, tilt_file=tmp_path / "odd.tlt", thickness=12, overwrite=True)
    found = read(reconstruct(tmp_path / "odd.st", config))
    deviation, mean = torch.std_mean(torch.tensor(images), dim=(1, 2), keepdim=True)
    filtered = projection.ramp_filter((torch.tensor(images) - mean) / deviation)
    expected = projection.back_project(filtered, torch.tensor([-50.0, -20, 0, 10, 60]), 12)
    assert torch.allclose(found, expected, atol=1e-4)


def test_alignment_is_undone(simulated: Path, tmp_path: Path) -> None:
    """Images shifted and turned by 90 degrees come back by the transform that an .xf file names.

    Shifts differ by half a pixel from whole ones because IMOD turns about (n - 1) / 2 and we tilt about n // 2.
    """
    stack = mrc.open_stack(simulated / "tilts.mrc")
    moved = np.rot90(np.roll(stack.read(), (3, -2), axis=(1, 2)), axes=(1, 2))
    mrc.write(tmp_path / "moved.st", np.ascontiguousarray(moved), stack.header)
    (tmp_path / "moved.xf").write_text("0 -1 1 0 1.5 -3.5\n" * 41)
    plain = read(reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path)))
    aligned = read(reconstruct(tmp_path / "moved.st", options(simulated, tmp_path, alignment=tmp_path / "moved.xf")))
    assert aligned.shape == plain.shape
    assert metrics.correlation(aligned[:, 4:-4, 4:-4], plain[:, 4:-4, 4:-4]) > 0.98


def test_binning_keeps_the_structure_in_place(simulated: Path, tmp_path: Path) -> None:
    fine = read(reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path)))
    config = options(simulated, tmp_path / "binned", pixel_size=20, thickness=16)
    coarse = read(reconstruct(simulated / "tilts.mrc", config))
    assert coarse.shape == (16, 20, 29)
    low = fourier.apply(fine, fourier.low_pass(fourier.spatial_shape(fine), 0.12))[::2, ::2, ::2]
    smooth = fourier.apply(coarse, fourier.low_pass(fourier.spatial_shape(coarse), 0.24))
    assert metrics.correlation(low[:, :, :29], smooth) > 0.9


def test_tilts_can_be_left_out_and_inverted(simulated: Path, tmp_path: Path) -> None:
    config = options(simulated, tmp_path, min_tilt=-30, max_tilt=40, invert_tilts=True)
    reconstruct(simulated / "tilts.mrc", config)
    assert metadata.read_tilt_angles(tmp_path / "tilts.tlt").tolist() == list(range(-30, 40, 3))


def test_inverting_tilts_mirrors_the_tomogram(simulated: Path, tmp_path: Path) -> None:
    plain = read(reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path, thickness=33)))
    config = options(simulated, tmp_path / "inverted", thickness=33, invert_tilts=True)
    assert torch.allclose(read(reconstruct(simulated / "tilts.mrc", config)).flip(0), plain, atol=1e-3)


def test_halves_are_every_other_tilt(simulated: Path, tmp_path: Path) -> None:
    stack = mrc.open_stack(simulated / "tilts.mrc")
    mrc.write(tmp_path / "even.st", stack.read()[::2], stack.header)
    angles = metadata.read_tilt_angles(simulated / "tilts.tlt")[::2]
    (tmp_path / "even.tlt").write_text("\n".join(map(str, angles)))
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path / "all"))
    alone = options(simulated, tmp_path / "alone", tilt_file=tmp_path / "even.tlt")
    expected = read(reconstruct(tmp_path / "even.st", alone))
    assert torch.allclose(read(tmp_path / "all/tilts_even.mrc"), expected, atol=1e-4)


def test_order_of_images_does_not_matter(simulated: Path, tmp_path: Path) -> None:
    stack = mrc.open_stack(simulated / "tilts.mrc")
    mrc.write(tmp_path / "tilts.mrc", stack.read()[::-1].copy(), stack.header)
    angles = metadata.read_tilt_angles(simulated / "tilts.tlt")[::-1]
    (tmp_path / "back.tlt").write_text("\n".join(map(str, angles)))
    forward = reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path / "a"))
    backward = reconstruct(tmp_path / "tilts.mrc", options(simulated, tmp_path / "b", tilt_file=tmp_path / "back.tlt"))
    assert torch.equal(read(forward), read(backward))


@pytest.mark.parametrize("kind", [".mdoc", ".tomostar", ".rawtlt"])
@pytest.mark.parametrize("order", ["recorded", "rising", "falling"])
def test_tilts_as_they_were_recorded_are_said(
    simulated: Path, tmp_path: Path, kind: str, order: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A stack that was sorted since has its images in another order; lists of angles are written of the stack."""
    tilts = sorted(metadata.read_tilt_angles(simulated / "tilts.tlt"), reverse=order == "falling")
    if order == "recorded":
        tilts.sort(key=abs)
    form = {".mdoc": "[ZValue = {0}]\nTiltAngle = {1}\n", ".tomostar": "{1}\n", ".rawtlt": "{1}\n"}[kind]
    head = "data_\n\nloop_\n_wrpAngleTilt\n" if kind == ".tomostar" else ""
    path = tmp_path / f"TS{kind}"
    path.write_text(head + "".join(form.format(*each) for each in enumerate(tilts)))
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path, tilt_file=path))
    said = [text for text in warnings(caplog) if "look less alike" not in text]
    assert len(said) == (order == "recorded" and kind != ".rawtlt")
    assert all("must be in that order" in text and str(path) in text and "tilts.mrc" in text for text in said)


@pytest.mark.parametrize("recorded", ["both sides in turn", "two on each side", "by tilt"])
def test_angles_of_images_in_another_order_are_said(
    simulated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, recorded: str
) -> None:
    """Neighbours in tilt look alike: angles sorted by tilt of a stack as recorded, the reverse, and the right ones."""
    stack, angles = mrc.open_stack(simulated / "tilts.mrc"), metadata.read_tilt_angles(simulated / "tilts.tlt")
    order = list(np.argsort(np.abs(angles), kind="stable"))
    if recorded == "two on each side":
        order.sort(key=lambda image: ((abs(angles[image]) - 3 * (angles[image] < 0)) // 6, angles[image] < 0))
    order = sorted(order) if recorded == "by tilt" else order
    for name, its in (("sorted", sorted(order)), ("recorded", order)):
        mrc.write(tmp_path / f"{name}.st", stack.read()[its], stack.header, images=True)
        (tmp_path / f"{name}.tlt").write_text("\n".join(str(angle) for angle in angles[its]))
    for images in ("sorted", "recorded"):
        for its in ("sorted", "recorded"):
            caplog.clear()
            given = options(simulated, tmp_path / f"{images}_{its}", tilt_file=tmp_path / f"{its}.tlt")
            reconstruct(tmp_path / f"{images}.st", given)
            said = warnings(caplog)
            assert len(said) == (images != its and recorded != "by tilt"), (images, its, said)
            assert all(f"{its}.tlt: by its tilts" in text and "in the order of the images" in text for text in said)


@pytest.mark.parametrize(("kept", "in_stack"), [(41, 41), (38, 41), (38, 38)])
def test_image_of_a_section_is_its_zvalue(simulated: Path, tmp_path: Path, kept: int, in_stack: int) -> None:
    """A stack as recorded, an `.mdoc` sorted by tilt, perhaps without some images of the stack, or of both."""
    stack, angles = mrc.open_stack(simulated / "tilts.mrc"), metadata.read_tilt_angles(simulated / "tilts.tlt")
    recorded = np.argsort(np.abs(angles), kind="stable")
    of_section = [int(image) for image in np.argsort(recorded) if image % 10 or kept == 41 or image == 40]
    images = stack.read()[recorded]
    mrc.write(tmp_path / "TS.st", images if in_stack == 41 else images[sorted(of_section)], stack.header)
    text = "".join(f"[ZValue = {image}]\nTiltAngle = {angles[recorded[image]]}\n\n" for image in of_section)
    (tmp_path / "TS.mdoc").write_text(text)
    (tmp_path / "sorted.tlt").write_text("\n".join(str(angles[recorded[image]]) for image in of_section))
    mrc.write(tmp_path / "sorted.st", images[of_section], stack.header)
    found = reconstruct(tmp_path / "TS.st", options(simulated, tmp_path / "a", tilt_file=tmp_path / "TS.mdoc"))
    plain = reconstruct(tmp_path / "sorted.st", options(simulated, tmp_path / "b", tilt_file=tmp_path / "sorted.tlt"))
    assert torch.equal(read(found), read(plain))


def test_default_pixel_size(simulated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A header with a default is warned of, in the words of `prepare`; lengths in Å need a true one."""
    stack, count = tmp_path / "TS.st", 41
    mrc.write(stack, open_volume(simulated / "tilts.mrc").read(), Header((1.0, 1.0, 1.0)), images=True)
    given = options(simulated, tmp_path / "a")
    reconstruct(stack, given)
    assert warnings(caplog) == [f"{stack}: {DEFAULT}; set --stack-pixel-size"]
    lists = {"Angles": "20", "UseTilt": "True", "AxisAngle": "0", "AxisOffsetX": "30", "AxisOffsetY": "0"}
    text = "".join(f"<{tag}>" + f"{value}\n" * count + f"</{tag}>" for tag, value in lists.items())
    warp = tmp_path / "TS.xml"
    warp.write_text(f"<TiltSeries>{text}</TiltSeries>")
    for changes, why in (
        ({"alignment": warp, "tilt_file": None}, f"the shifts of {re.escape(str(warp))} are"),
        ({"pixel_size": 20}, "--pixel-size is"),
    ):
        with pytest.raises(InputError, match=f"{DEFAULT}, and {why} in A; set --stack-pixel-size"):
            reconstruct(stack, options(simulated, tmp_path / "b", **changes))
    caplog.clear()
    reconstruct(stack, options(simulated, tmp_path / "c", stack_pixel_size=10, pixel_size=20, thickness=16))
    assert not warnings(caplog)


@pytest.mark.parametrize(
    ("transform", "what"),
    [
        ("0.25 0 0 0.25 0 0", "image 1 is scaled by 0.25"),
        ("2 0 0 2 0 0", "image 1 is scaled by 2"),
        ("1 0 0 1 30 -3", "image 1 is shifted by 30 3 pixels, half its size or more"),
        ("0 -1 1 0 3 -30", "image 1 is shifted by 3 30 pixels"),
        ("1.02 0 0 1.02 -12 15", None),
        ("0 -1 1 0 15 -20", None),
    ],
)
def test_alignment_of_another_binning_is_said(
    simulated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, transform: str, what: str | None
) -> None:
    (tmp_path / "TS.xf").write_text(f"{transform}\n" * 41)
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path, alignment=tmp_path / "TS.xf"))
    said = warnings(caplog)
    assert len(said) == (what is not None)
    assert all(f"TS.xf: {what}" in text and "give the alignment of this one" in text for text in said)


def test_header_of_a_volume_is_said(simulated: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mrc.write(tmp_path / "TS.mrc", open_volume(simulated / "tilts.mrc").read(), Header((10.0, 10.0, 10.0)))
    reconstruct(tmp_path / "TS.mrc", options(simulated, tmp_path))
    (said,) = warnings(caplog)
    assert "TS.mrc: has the header of a volume (ISPG 1, MZ 41)" in said
    caplog.clear()
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path / "images"))
    assert not warnings(caplog)


def test_real_series_agrees_with_another_program(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Low-passed to 200 Å, the tomogram is the one made with Warp's alignment: axes, signs and handedness."""
    folder = shared_data / "empiar10499"
    config = ReconstructConfig(
        output_dir=tmp_path, alignment=folder / "tiltseries/00254.xml", pixel_size=20, thickness=140
    )
    path = reconstruct(folder / "tiltseries/00254_10Apx_f16.st", config)
    assert not warnings(caplog)
    assert metadata.read_tilt_angles(tmp_path / "00254_10Apx_f16.tlt")[[0, 1]].tolist() == [-59.98, -56.99]
    for name in ("full", "even", "odd"):
        ours = read(path.with_name(f"00254_10Apx_f16_{name}.mrc"))[28:132, 97:257, 99:259]
        theirs = read(folder / f"00254_wbp_20Apx_{name}_f16.mrc")[:, 80:240, 80:240]
        smooth = [fourier.apply(v, fourier.low_pass(fourier.spatial_shape(v), 0.1)) for v in (ours, theirs)]
        assert metrics.correlation(*smooth) > 0.95


def test_nothing_is_overwritten_unless_asked(simulated: Path, tmp_path: Path) -> None:
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path))
    with pytest.raises(InputError, match=r"tilts_full\.mrc: exists already"):
        reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path))
    reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path, overwrite=True))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tilt_file": None}, "no tilt angles; add --tilt-file"),
        ({"tilt_file": "short.tlt"}, r"short\.tlt: 5 tilts, but .*tilts\.mrc has 41 images"),
        ({"tilt_file": "same.tlt"}, r"same\.tlt: tilts from 1 to 1 degrees show one view"),
        ({"tilt_file": "radians.tlt"}, r"radians\.tlt: tilts from -1 to 1 degrees show one view"),
        ({"alignment": "short.xf"}, r"short\.xf: 2 tilts, but .*tilts\.mrc has 41 images"),
        ({"pixel_size": 4}, "10 Å per pixel cannot give --pixel-size 4"),
        ({"min_tilt": 50, "max_tilt": 55}, "2 tilts left of 41"),
    ],
)
def test_what_does_not_fit_is_told(simulated: Path, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    (tmp_path / "short.tlt").write_text("-60\n-30\n0\n30\n60\n")
    (tmp_path / "same.tlt").write_text("1\n" * 41)
    (tmp_path / "radians.tlt").write_text("\n".join(f"{step / 20:.4f}" for step in range(-20, 21)))
    (tmp_path / "short.xf").write_text("1 0 0 1 0 0\n" * 2)
    named = {key: tmp_path / value if isinstance(value, str) else value for key, value in changes.items()}
    with pytest.raises(InputError, match=message):
        reconstruct(simulated / "tilts.mrc", options(simulated, tmp_path / "out", **named))
    assert not (tmp_path / "out").exists()


def test_contradicting_angles_and_blank_images(shared_data: Path, simulated: Path, tmp_path: Path) -> None:
    series = shared_data / "empiar10499/tiltseries"
    config = ReconstructConfig(
        output_dir=tmp_path, alignment=series / "00254.xml", tilt_file=series / "00254.tlt", pixel_size=20
    )
    with pytest.raises(InputError, match=r"its angles are not those of .*00254\.xml"):
        reconstruct(series / "00254_10Apx_f16.st", config)
    stack = mrc.open_stack(simulated / "tilts.mrc")
    images = stack.read().copy()
    images[7] = 1.5
    mrc.write(tmp_path / "blank.st", images, stack.header)
    with pytest.raises(InputError, match="image 8 is blank"):
        reconstruct(tmp_path / "blank.st", options(simulated, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
