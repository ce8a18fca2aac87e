"""Names of tomograms and of what belongs to them: how well two of them fit, and which half a name tells of.

What one name has and the other has not decides. Words that say how a file was made (`rec`, `Vol`, `10.00Apx`, `bin4`)
tell no two tomograms apart. A number or a letter behind a name does: `Position_20_3` is not `Position_20`. So do words
that may mean how a file was made, and of which each name has its own: `Lamella_3A` is not `Lamella_2A`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache

_PIXEL = r"\d+(?:\.\d+)?A(?:px)?"
_MADE = (  # how a file was made, or what is in it: never which tomogram it is
    r"rec|recon|reconstruct(?:ed|ion)|vol|volume|volumes|tomo|tomogram|tomograms|map|mrc|full|whole|raw|orig|sorted|"
    r"ali|aligned|aln|align|alignment|preali|st|stack|imod|aretomo\d?|warp|relion\d?|etomo|fid|tilt|tilts|tiltseries|"
    r"tlt|trim|trimmed|crop|cropped|crop[\dx]+|\d+(?:x\d+)+|flip|flipped|flip[xyz]+|rot|rot[xyz]|rotx|rotated|turned|"
    r"wbp|fbp|sirt|sart|sirt\d+|sart\d+|iter\d+|it\d+|bin|binned|bin\d+(?:\.\d+)?|b\d+|\d+x|resized|resampled|"
    r"deconv|deconvolved|den|denoised|dn|corrected|isonet|cryocare|topaz|ddw|filt|filtered|lp|lp\d+|lowpass|bandpass|"
    r"dw|dose|doseweighted|dosefilt|ctf|ctfcorr|ctfcorrected|phaseflip|phaseflipped|ctffind\d?|defocus|3dctf|"
    r"average|averaged|avg|mean|sums?|frames?|movies?|half|halves|maps|inv|inverted|"
    r"norm|normalized|f16|f32|float16|float32|int8|uint8|int16|bit|8bit|"
    r"mask|masks|masked|boundary|area|areas|outline|polygon|slab|seg|segmentation|labels?|"
    r"coords?|coordinates|particles|picks|picked|points|positions|centers|centres|boxes|template|matches|"
    r"match(?:es|ing)?|order|list|v\d+"
)
_COUNTED = re.compile(r"(?:sirt|sart|iter|it|bin|rot|lp|dose|v|crop|thickness)", re.IGNORECASE)
_MADE_WORD = re.compile(rf"(?:{_MADE}|{_PIXEL})", re.IGNORECASE)
_SIGN = r"(?:\+|(?<![^\W_])-)(?=\d)"
_WORD = re.compile(rf"{_PIXEL}(?![^\W_])|(?:{_SIGN})?[^\W_]+", re.IGNORECASE)
_SAMPLING = re.compile(r"(\d+(?:\.\d+)?)Apx|(\d+\.\d+)A|(bin)(\d+(?:\.\d+)?)", re.IGNORECASE)
_HOLES = ("h1", "h2")  # halves only where no other word says so
_MARK = re.compile(r"(?<![^\W_])(?:evens?|evn|odds?|half[_-]?(?:map[_-]?)?[12]|h[12])(?![^\W_])", re.IGNORECASE)
_AFTER_MARK = re.compile(r"^[_.\- ]*?(?=(?<=[_. ])-\d|[^_.\- ]|$)")  # a sign stays
_ENDINGS = re.compile(r"\.(?:mrc|rec|map|tomostar|st|mrcs|ali)$", re.IGNORECASE)
_SHORT = 3  # a shorter name counts only at the beginning of another one


class Fit(IntEnum):
    """How well two names fit, worst first."""

    LOOSE = 1
    """One is in the other, with words besides that may tell tomograms apart or not."""
    BARE = 2
    """They are the same without the words that say how a file was made."""
    PLAIN = 3
    """One is in the other, with nothing besides but such words."""
    WHOLE = 4
    """They are the same."""


def words(name: str) -> list[str]:
    """Split a name into its words; a pixel size is one, and a sign belongs to its number.

    >>> words("TS_1_10.00Apx"), words("x_-20"), words("x-20")
    (['TS', '1', '10.00Apx'], ['x', '-20'], ['x', '20'])
    """
    return _WORD.findall(name)


def common_words(names: Iterable[str]) -> frozenset[str]:
    """Words that stand in all names, where there are several: they tell none from another."""
    sets = [frozenset(words(name)) for name in dict.fromkeys(names)]
    return frozenset.intersection(*sets) if len(sets) > 1 else frozenset()


@lru_cache(maxsize=1 << 16)
def bare(name: str) -> str:
    """Return a name without words that say how a file was made: `rec_TS_1_10.00Apx` gives `TS_1`."""
    return _split(name)[0]


@lru_cache(maxsize=1 << 16)
def _split(name: str) -> tuple[str, Mapping[str, list[str]]]:
    """Return the bare name, and the values of the other words by what they are of: of `TS_1_b2_bin_4` b2 and bin4."""
    kept: list[str] = []
    values: dict[str, list[str]] = {}
    before = ""
    for word in words(name):
        counted = _is_counted(word, before)
        if not (counted or _MADE_WORD.fullmatch(word)):
            kept.append(word)
        elif any(letter.isdigit() for letter in word):
            whole = f"{before if counted else ''}{word}".lower()
            values.setdefault(re.sub(r"[\d.x+-]+", "", whole), []).append(whole)
        before = word
    return "_".join(kept), values


def _is_counted(word: str, before: str) -> bool:
    """Tell whether a word is the number of the one before it, as of `bin_4`."""
    return word.lstrip("+-").isdecimal() and _COUNTED.fullmatch(before) is not None


def _is_within(one: Sequence[str], other: Sequence[str]) -> bool:
    """Tell whether all of one stand in another, in its order."""
    rest = iter(other)
    return all(word in rest for word in one)


def _differ(one: str, other: str) -> bool:
    """Tell whether each of two names has a value that may mean another tomogram: 3A and 2A, but not bin4 and bin8."""
    mine, others = ({kind: _telling(found) for kind, found in _split(name)[1].items()} for name in (one, other))
    both = ((mine[kind], others[kind]) for kind in mine.keys() & others)
    return any(not (_is_within(first, second) or _is_within(second, first)) for first, second in both)


def _telling(values: Iterable[str]) -> list[str]:
    return [word for word in values if not _SAMPLING.fullmatch(word)]


def sampling(name: str) -> Mapping[str, float]:
    """Return the binning and the pixel size in Å that a name tells for certain, which `3A` does not.

    >>> sampling("TS_1_bin4"), sampling("TS_1_10.00Apx"), sampling("Lamella_3A")
    ({'bin': 4.0}, {'A': 10.0}, {})
    """
    found = {}
    for word in (word for values in _split(name)[1].values() for word in values):
        if match := _SAMPLING.fullmatch(word):
            found["bin" if match[3] else "A"] = float(match[1] or match[2] or match[4])
    return found


def fit(key: str, name: str, common: frozenset[str] = frozenset()) -> tuple[Fit, int] | None:
    """Tell how well the name of a file fits that of a tomogram, and over how many letters; None where it does not.

    Parameters
    ----------
    key, name : str
        Names without the endings of files.
    common : frozenset of str
        Words that tell no tomograms apart; see :func:`common_words`.
    """
    if not key or not name:
        return None
    if key == name:
        return Fit.WHOLE, len(name)
    longer, shorter = (name, key) if len(name) > len(key) else (key, name)
    within = _within(shorter, longer, common) if shorter in longer else None
    if within is Fit.PLAIN:
        return within, len(shorter)
    core = bare(key)
    if len(core) >= _SHORT and core == bare(name) and not _differ(key, name):
        return Fit.BARE, len(core)
    return None if within is None else (within, len(shorter))


class Index:
    """Names among which those that may fit another one are found without comparing all.

    Of two names that fit one has all words of the other, or they are the same but for words that count for nothing.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._bare: dict[str, set[int]] = {}
        self._with: dict[str, set[int]] = {}
        self._rarest: dict[str, set[int]] = {}
        split = [set(words(name)) for name in names]
        for number, (name, found) in enumerate(zip(names, split, strict=True)):
            self._bare.setdefault(bare(name), set()).add(number)
            for word in found:
                self._with.setdefault(word, set()).add(number)
        for number, found in enumerate(split):
            for word in sorted(found, key=lambda word: len(self._with[word]))[:1]:
                self._rarest.setdefault(word, set()).add(number)

    def like(self, name: str) -> set[int]:
        """Numbers of the names that may fit one: all that fit, and a few more."""
        found = set(words(name))
        shorter = [self._rarest.get(word, set()) for word in found]
        longer = min((self._with.get(word, set()) for word in found), key=len, default=set())
        return self._bare.get(bare(name), set()).union(longer, *shorter)


def _within(shorter: str, longer: str, common: frozenset[str]) -> Fit | None:
    """Tell what a longer name has besides a shorter one that stands in it; None if that names another tomogram."""
    found = None
    start = longer.find(shorter)
    while start >= 0:
        before, after = longer[:start], longer[start + len(shorter) :]
        inside = before[-1:].isalnum() or after[:1].isalnum() or re.match(r"\.\d+A(?:px)?(?![^\W_])", after)
        signed = shorter[0].isdigit() and re.search(r"\+$|(?<![^\W_])-$", before)
        if not (inside or signed) and (not before or len(shorter) >= _SHORT):
            said = _besides(words(before), words(after), words(shorter)[-1:], common)
            found = max((one for one in (found, said) if one is not None), default=None)
        start = longer.find(shorter, start + 1)
    return found


def _besides(before: Sequence[str], after: Sequence[str], last: Sequence[str], common: frozenset[str]) -> Fit | None:
    """Judge the words in front of and behind a name that ends in the word `last`."""
    plain = all(_MADE_WORD.fullmatch(word) or word in common for word in before)
    previous = last[0] if last else ""
    for word in after:
        if not (_is_counted(word, previous) or _MADE_WORD.fullmatch(word) or (word in common and not _tells(word))):
            if _tells(word) and word not in common:
                return None
            plain = False
        previous = word
    return Fit.PLAIN if plain else Fit.LOOSE


def _tells(word: str) -> bool:
    """Tell whether a word that is not known is as those that count things: with a digit, or a single letter."""
    return len(word) == 1 or any(letter.isdigit() for letter in word)


def without_ending(text: str) -> str:
    """Return the name of a tomogram as tables give it, without folders and the ending of a file."""
    return _ENDINGS.sub("", re.split(r"[/\\]", text)[-1])


def marks(name: str) -> Mapping[str, str]:
    """Find what is left of a name without one word that marks a half, and which half that word says, last word first.

    >>> marks("TS_1_EVN_Vol"), marks("grid_h1_ts_ODD")
    ({'TS_1_Vol': 'even'}, {'grid_h1_ts': 'odd', 'grid_ts_ODD': 'even'})
    """
    found: dict[str, str] = {}
    for match in reversed(list(_MARK.finditer(name))):
        before = re.sub(r"([_.\- ])[_.\- ]+$", r"\1", name[: match.start()])
        after = _AFTER_MARK.sub("", name[match.end() :])
        rest = f"{before}{after}".rstrip("_.- ").lstrip("_. ")
        found.setdefault(rest, _side(match[0]))
    return found


def side_of(name: str) -> str | None:
    """Tell which half a name says, by its last word that says one: `even`, `odd`, or None."""
    found = _last_mark(name)
    return None if found is None else _side(found)


def is_marked_in_front(name: str) -> bool:
    """Tell whether a name begins with a word that marks a half, which programs put behind: a sample may be called so.

    >>> is_marked_in_front("rec_even_cell"), is_marked_in_front("TS_1_EVN_Vol"), is_marked_in_front("even_Vol")
    (True, False, False)
    """
    found = _MARK.match(re.sub(r"^rec_", "", name, flags=re.IGNORECASE))
    return found is not None and not all(map(_MADE_WORD.fullmatch, words(found.string[found.end() :])))


def is_short(name: str) -> bool:
    """Tell whether only h1 or h2 marks a half, which may mean a hole as well."""
    return (_last_mark(name) or "").lower() in _HOLES


def _last_mark(name: str) -> str | None:
    """Return the last word that marks a half; h1 and h2 only where no other does."""
    found = [match[0] for match in _MARK.finditer(name)]
    clear = [word for word in found if word.lower() not in _HOLES]
    chosen = clear or found
    return chosen[-1] if chosen else None


def _side(word: str) -> str:
    return "even" if word.lower().startswith("ev") or word.endswith("1") else "odd"
