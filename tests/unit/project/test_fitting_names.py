"""How names fit: laws of words, and literal pairs of real programs."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from isonet.project.names import Fit, Index, bare, common_words, fit, is_short, marks, side_of, words

MADE = ("rec", "Vol", "10.00Apx", "bin4", "full", "wbp", "ali", "13.48A", "mask", "deconv")
NAMES = st.from_regex(r"[A-Z][a-z]{1,5}(_[a-z]{2,4})?(_[0-9]{1,3}){1,2}", fullmatch=True).filter(
    lambda name: bare(name) == "_".join(words(name))
)


@pytest.mark.parametrize(
    ("key", "name", "expected"),
    [
        ("TS_1", "TS_1", Fit.WHOLE),
        ("Position_20", "Position_20_3", None),
        ("Position_20_3", "Position_20", None),
        ("Position_20_3", "Position_20_3_10.00Apx", Fit.PLAIN),
        ("Position_20", "Position_20_3_10.00Apx", None),
        ("TS_1", "TS_10", None),
        ("TS_1", "TS_1_10.00Apx", Fit.PLAIN),
        ("TS_1_10", "TS_1_10.00Apx", None),
        ("TS_1_10.00Apx", "TS_1_10.00Apx_rec", Fit.PLAIN),
        ("TS_1", "rec_TS_1", Fit.PLAIN),
        ("TS_1", "TS_1_bin_8", Fit.PLAIN),
        ("TS_1_mask", "TS_1_10.00Apx", Fit.BARE),
        ("00254", "00254_wbp_20Apx_crop96x160x160_int8", Fit.PLAIN),
        ("00254_import_reference", "00254_wbp_20Apx", None),
        ("256", "00256", None),
        ("TS_1", "TS_1_b", None),
        ("TS_1", "TS_1_pos2", None),
        ("TS_1", "grid2_TS_1", Fit.LOOSE),
        ("wt", "wt_drug", Fit.LOOSE),
        ("grid_h1_ts_001", "grid_h2_ts_001", None),
        ("", "TS_1", None),
        ("None", "TS_1", None),
        ("TS_01", "TS_01_3A", Fit.PLAIN),
        ("TS_01_rec", "TS_01_3A", Fit.BARE),
        ("TS_01_5.00Apx", "TS_01_10.00Apx", Fit.BARE),
        ("TS_01_bin4", "TS_01_bin8_rec", Fit.BARE),
        ("TS_01_bin_4", "rec_TS_01_bin_8", Fit.BARE),
        ("Lamella_3A_10.00Apx", "Lamella_3A_5.00Apx", Fit.BARE),
        ("Cell-1", "Cell_1", Fit.BARE),
        ("pos_-100", "pos_-100_rec", Fit.PLAIN),
        ("pos_-100", "rec_pos_-100_10.00Apx", Fit.PLAIN),
    ],
)
def test_pairs_of_real_names(key: str, name: str, expected: Fit | None) -> None:
    found = fit(key, name)
    assert (None if found is None else found[0]) is expected


@given(NAMES, st.lists(st.sampled_from(MADE), max_size=3))
def test_words_of_making_tell_no_names_apart(name: str, made: list[str]) -> None:
    longer = "_".join((name, *made))
    found = fit(name, longer)
    assert found == ((Fit.PLAIN if made else Fit.WHOLE), len(name))
    assert fit(longer, name) == found
    assert bare(longer) == bare(name)


@pytest.mark.parametrize("made", ["", "_rec", "_10.00Apx"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Lamella_3A", "Lamella_2A"),
        ("Yeast_b1", "Yeast_b2"),
        ("TS_001_b2", "TS_001_b3"),
        ("Yeast_lp1", "Yeast_lp2"),
        ("Grid_4x5", "Grid_4x6"),
        ("Grid_4x5", "Grid_4x5x6"),
        ("WT_2x", "WT_3x"),
        ("cell_dose_3", "cell_dose_10"),
        ("cell_crop_1", "cell_crop_2"),
        ("grid_rot_1", "grid_rot_2"),
        ("Mouse_f16", "Mouse_f32"),
        ("Virus_v1", "Virus_v2"),
        ("Cell_b1_TS_b2", "Cell_b2_TS_b1"),
        ("Lamella_3A_bin4", "Lamella_2A_bin4"),
        ("Pos-1", "Pos+1"),
        ("pos_-100", "pos_100"),
        ("pos_-100", "pos_+100"),
        ("100", "pos_-100"),
        ("-100", "100"),
    ],
)
def test_words_of_making_of_two_values_tell_names_apart(first: str, second: str, made: str) -> None:
    """2A and 3A may be lamellae, b1 and b2 samples, -100 and 100 places on a grid."""
    assert fit(first, f"{second}{made}") is None
    assert fit(f"{first}{made}", second) is None
    assert fit(f"rec_{first}", f"{second}{made}") is None


@given(NAMES, st.integers(0, 99), st.sampled_from(("", "_rec", "_10.00Apx")))
def test_a_number_behind_a_name_is_another_tomogram(name: str, number: int, made: str) -> None:
    assert fit(name, f"{name}_{number}{made}") is None
    assert fit(f"{name}{made}", f"{name}_{number}") is None


@given(st.lists(NAMES, min_size=1, max_size=6, unique=True), NAMES, st.sampled_from(("", "_rec", "_bin4")))
def test_an_index_finds_all_that_fit(names: list[str], name: str, made: str) -> None:
    """Comparing all is the oracle."""
    index = Index([f"{one}{made}" for one in names])
    for asked in (name, *names, f"rec_{names[0]}"):
        fitting = {number for number, one in enumerate(names) if fit(asked, f"{one}{made}") is not None}
        assert fitting <= index.like(asked)


@given(
    NAMES, st.sampled_from((("EVN", "ODD"), ("even", "odd"), ("half1", "half2"), ("half_1", "half_2"))), st.booleans()
)
def test_a_mark_is_found_and_taken_out(name: str, sides: tuple[str, str], before: bool) -> None:
    assume(not re.search(r"(^|_)(even|evn|odd|half|h[12])(_|$)", name, re.IGNORECASE))
    for side, word in zip(("even", "odd"), sides, strict=True):
        marked = f"{word}_{name}_Vol" if before else f"{name}_{word}_Vol"
        assert side_of(marked) == side
        assert marks(marked) == {f"{name}_Vol": side}


def test_what_is_left_of_a_half_keeps_its_sign() -> None:
    assert marks("pos_-100_EVN") == {"pos_-100": "even"}
    assert marks("ODD_-100") == {"-100": "odd"}
    assert marks("TS-EVN-100") == {"TS-100": "even"}


def test_h1_and_h2_give_way_to_clearer_marks() -> None:
    assert (side_of("grid_h1_ts_ODD"), is_short("grid_h1_ts_ODD")) == ("odd", False)
    assert (side_of("grid_h2_ts"), is_short("grid_h2_ts")) == ("odd", True)
    assert side_of("oddity_9") is None


def test_words_that_all_names_have_tell_nothing() -> None:
    common = common_words(["20240512_TS_1_x3", "20240512_TS_2_x3"])
    assert common == {"20240512", "TS", "x3"}
    found = fit("TS_1", "20240512_TS_1_rec", common)
    assert found is not None
    assert found[0] is Fit.PLAIN
    assert common_words(["20240512_TS_1"]) == frozenset()
    assert common_words(["TS_1", "TS_1"]) == frozenset()
