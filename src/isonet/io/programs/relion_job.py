"""The folder of an External job of RELION: how it ended, what it made, its place in the pipeline.

What RELION asks of such a job is in its reference, "The External job-type" (relion.readthedocs.io, Reference/
Using-RELION): `myscript --o External/jobXXX/ --in_YYY ZZZ --LABEL VALUE --j J`, started in the project's folder. What
it reads is in its source, here of version 5.0.1: the names of the marks in `pipeline_control.h`; labels of nodes, job
types and states in `pipeline_jobs.h`; when marks and outputs are looked at, and that `job_pipeline.star` holds the
job alone, in `pipeliner.cpp` (`checkProcessCompletion`, `getOutputNodesFromStarFile`, `addJob`).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from isonet.errors import InputError
from isonet.io import star
from isonet.io.files import write_text

ABORT_NOW = "RELION_JOB_ABORT_NOW"
OUTPUT_NODES = "RELION_OUTPUT_NODES.star"
PIPELINE = "job_pipeline.star"
TOMOGRAMS = "TomogramGroupMetadata.star.relion"
"""Label of a table of tomograms."""
_JOB_TYPE = "relion.external"
_DEPTH = "1"  # how many words of a label are folders of its browser


class State(Enum):
    """How a job stands, as the pipeline calls it."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ABORTED = "Aborted"


MARKS = {
    State.SUCCEEDED: "RELION_JOB_EXIT_SUCCESS",
    State.FAILED: "RELION_JOB_EXIT_FAILURE",
    State.ABORTED: "RELION_JOB_EXIT_ABORTED",
}
"""Empty file that tells how a job ended."""


@dataclass(frozen=True)
class Job:
    """An External job.

    Attributes
    ----------
    folder : Path
        As `--o` names it.
    inputs : sequence of Path
        What it reads.
    """

    folder: Path
    inputs: Sequence[Path] = ()

    @property
    def abort_asked(self) -> bool:
        """Whether the user wants it to end."""
        return (self.folder / ABORT_NOW).exists()

    def begin(self) -> None:
        """Take the marks of an earlier run away and tell that the job is at work."""
        for mark in MARKS.values():
            (self.folder / mark).unlink(missing_ok=True)
        self._write_pipeline(State.RUNNING, ())

    def end(self, state: State, outputs: Sequence[Path] = ()) -> None:
        """Tell what was made, and then how it ended: RELION looks for outputs when it sees the mark."""
        nodes = [(_node(path), TOMOGRAMS, _DEPTH) for path in outputs]
        if nodes:
            write_text(self.folder / OUTPUT_NODES, _table("output_nodes", _NODE_LABELS, nodes))
        self._write_pipeline(state, outputs)
        if state is State.ABORTED:
            (self.folder / ABORT_NOW).unlink(missing_ok=True)
        mark(self.folder, state)

    def _write_pipeline(self, state: State, outputs: Sequence[Path]) -> None:
        """Write the job's own pipeline; its alias and the labels of its inputs stay as RELION wrote them."""
        path = self.folder / PIPELINE
        before: dict[str, list[dict[str, str]]] = {}
        with suppress(InputError):
            before = star.read_tables(path)
        process = f"{_node(self.folder)}/"
        known = {row.get("rlnPipeLineNodeName"): row for row in before.get("pipeline_nodes", [])}
        labels = {
            name: known.get(name, {}).get("rlnPipeLineNodeTypeLabel", TOMOGRAMS)
            for name in map(_node, (*self.inputs, *outputs))
        }
        alias = next((row.get("rlnPipeLineProcessAlias") for row in before.get("pipeline_processes", [])), None)
        text = "\n# version 50001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter 2\n\n"
        text += _table("pipeline_processes", _PROCESS_LABELS, [(process, alias or "None", _JOB_TYPE, state.value)])
        text += _table("pipeline_nodes", _NODE_LABELS, [(name, label, _DEPTH) for name, label in labels.items()])
        for name, ends, edges in (
            ("input", ("FromNode", "Process"), [(_node(one), process) for one in self.inputs]),
            ("output", ("Process", "ToNode"), [(process, _node(one)) for one in outputs]),
        ):
            text += _table(f"pipeline_{name}_edges", [f"rlnPipeLineEdge{end}" for end in ends], edges)
        write_text(path, text)


_PROCESS_LABELS = [f"rlnPipeLineProcess{part}" for part in ("Name", "Alias", "TypeLabel", "StatusLabel")]
_NODE_LABELS = [f"rlnPipeLineNode{part}" for part in ("Name", "TypeLabel", "TypeLabelDepth")]


def mark(folder: Path, state: State) -> None:
    """Leave the empty file that tells how a job ended."""
    write_text(folder / MARKS[state], "")


def mark_unread(words: Sequence[str]) -> None:
    """Tell RELION, which waits for a mark, that a command line could not be understood: the job of its `--o` failed."""
    for place, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--o":
            given = value or next(iter(words[place + 1 :]), "")
            folder = Path(given)
            if given and folder.is_dir() and not any((folder / one).exists() for one in MARKS.values()):
                mark(folder, State.FAILED)


def _node(path: Path) -> str:
    """Name of a file or folder in the pipeline: from the project's folder, where RELION starts its jobs."""
    absolute, project = path.parent.resolve() / path.name, Path.cwd().resolve()
    return str(absolute.relative_to(project) if absolute.is_relative_to(project) else absolute)


def _table(name: str, labels: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a loop as RELION 5 does; nothing without rows, which it takes for an empty one."""
    if not rows:
        return ""
    head = "".join(f"_{label} #{number}\n" for number, label in enumerate(labels, start=1))
    return f"\n# version 50001\n\ndata_{name}\n\nloop_\n{head}" + "".join(f"{' '.join(row)}\n" for row in rows) + "\n"
