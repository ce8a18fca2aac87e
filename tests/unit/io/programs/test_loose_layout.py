"""A law of all readers: layout means nothing.

What a reader returns does not change with white space, line ends, comments, unknown columns or entries, or their order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.io import star
from isonet.io.programs import imod_metadata, metadata
from isonet.io.programs.coordinates import read_coordinates

ANGLES = (-48.25, -30.0, -12.5, 0.0, 20.0, 57.0)
COUNT = len(ANGLES)
Columns = dict[str, Sequence[object]]


@dataclass
class Layout:
    """How a file is laid out; drawn at random."""

    draw: Callable[..., object]

    def order(self, items: Sequence[str]) -> list[str]:
        """Items in any order."""
        return list(self.draw(st.permutations(items)))  # type: ignore[call-overload]

    def some(self, *choices: str) -> str:
        """One of some texts."""
        return str(self.draw(st.sampled_from(choices)))

    def loop(self, name: str, columns: Columns) -> str:
        """A STAR table with an unknown column somewhere and rows as they may stand."""
        count = len(next(iter(columns.values())))
        every = {**columns, "rlnUnknown": ["'a b'"] * count, "other": ["x#y"] * count}
        labels = self.order(list(every))
        lines = [f"data_{name}{self.some('', '  ')}", self.some("", "# version 50001"), "", "loop_"]
        lines += [f"{self.some('', ' ', chr(9))}_{label}{self.some('', f' #{i}')}" for i, label in enumerate(labels, 1)]
        for row in range(count):
            gap = self.some(" ", "   ", "\t")
            lines += [*([self.some("", "# comment", "   ")] if self.some("y", "n") == "y" else [])]
            lines.append(
                self.some("", "  ") + gap.join(str(every[label][row]) for label in labels) + self.some("", " ")
            )
        return "\n".join([*lines, ""])

    def text(self, text: str) -> bytes:
        """A text with line ends, blank lines at its end and a mark as they may be."""
        return (
            self.some("", "\ufeff") + (text + self.some("", "\n\n")).replace("\n", self.some("\n", "\r\n", "\r"))
        ).encode()


def relion(layout: Layout) -> str:
    tilts = {"rlnTomoYTilt": ANGLES, "rlnDefocusU": [30000.0] * COUNT, "rlnDefocusV": [31000.0] * COUNT}
    return layout.some("", "data_general\n\n_rlnVersion 5\n\n") + layout.loop("TS_1", tilts)


def tomograms(layout: Layout) -> str:
    table = {"rlnTomoName": ["TS_1", "0256"], "rlnVoltage": [200, 300], "rlnTomoTiltSeriesPixelSize": [1.5, 2]}
    return layout.loop("global", table)


def tomostar(layout: Layout) -> str:
    return layout.loop("", {"wrpMovieName": ["a.tif"] * COUNT, "wrpAngleTilt": ANGLES})


def tilts(layout: Layout) -> str:
    behind = layout.some("", " 1", "\t2.5 x")
    lines = [f"{layout.some('', '  ')}{angle:{layout.some('.2f', '8.3f')}}{behind}" for angle in ANGLES]
    return "\n".join([*lines[:3], layout.some("", "# comment", " "), *lines[3:]])


def tilt_command(layout: Layout) -> str:
    angles = layout.some(",", " ", ", ").join(map(str, ANGLES))
    options = [
        f"{layout.some('ANGLES', 'angles', 'Angles')} {angles}",
        f"{layout.some('OFFSET', 'offset')}{layout.some(' ', '   ')}1.5",
        f"{layout.some('EXCLUDELIST', 'ExcludeList')} 1,{layout.some('', ' ')}6",
        "# OFFSET 9",
        "UnknownOption 3,4",
        "",
    ]
    return "\n".join(["# THIS IS A COMMAND FILE", "$tilt -StandardInput", *layout.order(options), "$if (-e ./x) ./x"])


def mdoc(layout: Layout) -> str:
    def entries(*lines: str) -> list[str]:
        """Entries of a section."""
        return layout.order([*lines, "Unknown = [1 2]", "no entry at all", ""])

    equals = layout.some(" = ", "=", "  =  ")
    head = entries(f"Voltage{equals}200", f"PixelSpacing{equals}2.5")
    title = layout.some("[T = SerialEM]", "[T = SerialEM:\n  Voltage = 7\n ]", "")
    sections = [
        line
        for number, angle in enumerate(ANGLES)
        for line in (f"[ZValue{equals}{number}]", *entries(f"TiltAngle{equals}{angle}", f"TargetDefocus{equals}-3"))
    ]
    return "\n".join([*head, title, *sections])


def aln(layout: Layout) -> str:
    gap = layout.some(" ", "   ", "\t")
    rows = [gap.join(["", str(i), "-85.4 1.0 0.0 0.0 1.0 1.0 1.0 0.0", str(a)]) for i, a in enumerate(ANGLES, 1)]
    head = ["# AreTomo Alignment", layout.some("# Unknown = 3", "#"), "# NumPatches = 0"]
    return "\n".join([*head, *rows[:2], layout.some("", "# comment"), *rows[2:]])


def metrics(layout: Layout) -> str:
    columns = {"Tilt_Series": ["a.mrc", "b.mrc"], "Pix_Size(A)": [1.5, 2.0], "Other": ["x y", ""]}
    titles = layout.order(list(columns))
    gap = layout.some(",", ", ", " ,")
    return "\n".join([gap.join(titles), *(gap.join(str(columns[title][row]) for title in titles) for row in (0, 1))])


def warp(layout: Layout) -> str:
    gap = layout.some("\n", " ", "\n   ")
    parts = [
        f"<Angles>{layout.some('', ' ')}{gap.join(map(str, ANGLES))}</Angles>",
        f"<UseTilt>{gap.join(['True'] * (COUNT - 1))}{gap}False</UseTilt>",
        "<Unknown>x</Unknown>",
        "<!-- a comment -->",
        '<CTF><Param Name="Voltage" Value="200"/><Param Name="Unknown" Value="x" /></CTF>',
    ]
    attributes = layout.order(['LevelAngleY="4"', 'LevelAngleX="1"', 'Unknown="x"', 'AreAnglesInverted="maybe"'])
    return (
        f"<TiltSeries {layout.some(' ', chr(10)).join(attributes)}>\n{gap.join(layout.order(parts))}\n</TiltSeries>\n"
    )


FILES = {
    "TS_1.star": relion,
    "tomograms.star": tomograms,
    "TS_1.tomostar": tomostar,
    "TS_1.tlt": tilts,
    "TS_1.rawtlt": tilts,
    "TS_1_TLT.txt": tilts,
    "tilt.com": tilt_command,
    "TS_1.mdoc": mdoc,
    "TS_1.aln": aln,
    "TiltSeries_Metrics.csv": metrics,
    "TS_1.xml": warp,
}


class Plain(Layout):
    """The plainest layout."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    def order(self, items: Sequence[str]) -> list[str]:
        return list(items)

    def some(self, *choices: str) -> str:
        return choices[0]


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_metadata(name: str, tmp_path: Path, data: st.DataObject) -> None:
    layout, path = Layout(data.draw), tmp_path / name
    path.write_bytes(Plain().text(FILES[name](Plain())))
    plain = [replace(item, source=Path()) for item in metadata.read_series(path)]
    assert plain
    path.write_bytes(layout.text(FILES[name](layout)))
    assert [replace(item, source=Path()) for item in metadata.read_series(path)] == plain


def particles(layout: Layout) -> str:
    axes = {f"rlnCoordinate{axis}": [10.0, 20.5] for axis in "XYZ"}
    return layout.loop("particles", {"rlnTomoName": ["TS_1", "00256"], **axes, "rlnPixelSize": [5, 5]})


def points(layout: Layout) -> str:
    columns = {"x_nm": [1.5, 2], "y_nm": [3, 4], "z_nm": [5, 6], "label": ["a", "b"]}
    titles, gap = layout.order(list(columns)), layout.some(",", ";", "\t")
    return "\n".join([gap.join(titles), *(gap.join(str(columns[title][row]) for title in titles) for row in (0, 1))])


@pytest.mark.parametrize(("name", "make"), [("p.star", particles), ("p.csv", points)])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_coordinates(name: str, make: Callable[[Layout], str], tmp_path: Path, data: st.DataObject) -> None:
    layout, path = Layout(data.draw), tmp_path / name

    def read() -> tuple[object, ...]:
        """What the file lists, without its lines."""
        found = read_coordinates(path)
        return found.tomograms, found.voxels((99, 99, 99), 10.0).tolist()

    path.write_bytes(Plain().text(make(Plain())))
    plain = read()
    path.write_bytes(layout.text(make(layout)))
    assert read() == plain


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_tables(tmp_path: Path, data: st.DataObject) -> None:
    layout, path = Layout(data.draw), tmp_path / "t.star"
    columns: Columns = {"rlnIndex": [1, 2], "rlnTomoName": ["00256", "'a b.mrc'"], "rlnPixelSize": ["1e1", "007"]}
    path.write_bytes(layout.text(layout.loop("", columns)))
    rows = star.read_table(path, ["rlnTomoName"])
    assert [{name: row[name] for name in columns} for row in rows] == [
        {"rlnIndex": "1", "rlnTomoName": "00256", "rlnPixelSize": "1e1"},
        {"rlnIndex": "2", "rlnTomoName": "a b.mrc", "rlnPixelSize": "007"},
    ]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_transforms(tmp_path: Path, data: st.DataObject) -> None:
    layout, path = Layout(data.draw), tmp_path / "p.xf"
    gap = layout.some(" ", "   ", "\t")
    lines = [gap.join(["", *["1.0", "0.25", "-0.25", "1.0", "3.5", "-4"]])] * 3
    path.write_bytes(layout.text("\n".join([*lines[:1], layout.some("", "# comment", "  "), *lines[1:]])))
    found = imod_metadata.read_xf(path)
    assert found.shifts.tolist() == [[3.5, -4.0]] * 3
