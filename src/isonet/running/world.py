"""The processes of a command and which of them this one is, as whoever started them tells: isonet, torchrun or Slurm.

The environment is only read: which GPUs a process sees is for the scheduler to say (`CUDA_VISIBLE_DEVICES`).
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from isonet.errors import InputError

STARTED_HERE = "ISONET_PROCESSES"
"""Set in processes that this program started itself."""
_SLURM_PORTS = (15000, 10000)  # first, how many

_KIN = {
    "isonet": ("processes started with this one", "give the command again"),
    "torchrun": (
        "processes of torchrun (WORLD_SIZE)",
        "start it on every machine; where none was started, unset RANK, WORLD_SIZE and LOCAL_RANK",
    ),
    "slurm": (
        "processes of this Slurm step (SLURM_STEP_NUM_TASKS)",
        "in a shell of srun --pty unset SLURM_STEP_NUM_TASKS, or ask for one task; else start all by srun",
    ),
}
"""What the processes are by who started them, and what to do where some are missing."""


@dataclass(frozen=True)
class World:
    """The processes that work together.

    Attributes
    ----------
    rank, size : int
        Number of this process among all, from 0, and how many there are.
    local_rank, local_size : int
        The same among those on this machine.
    address, port : str, int
        Where process 0 can be met.
    launcher : str
        `isonet`, `torchrun` or `slurm`; empty for a process on its own.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    address: str = "127.0.0.1"
    port: int = 0
    launcher: str = ""

    @property
    def kin(self) -> str:
        """What the processes of this command are, in words."""
        return _KIN.get(self.launcher, ("processes", ""))[0]

    @property
    def remedy(self) -> str:
        """What to do where some of the processes do not come."""
        return _KIN.get(self.launcher, ("", "start all of them"))[1]

    @property
    def started_elsewhere(self) -> bool:
        """Whether another program has started several processes of the same command."""
        return self.size > 1 and self.launcher != "isonet"


def current(environment: Mapping[str, str] | None = None) -> World:
    """Tell which process this is.

    Parameters
    ----------
    environment : mapping, optional
        Environment variables; those of this process if left out.

    Raises
    ------
    InputError
        If the variables of a launcher contradict each other.
    """
    variables = os.environ if environment is None else environment
    try:
        if {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"} <= variables.keys():
            return _of_torchrun(variables)
        if int(variables.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
            return _of_slurm(variables)
    except (KeyError, ValueError) as error:
        raise InputError(f"the launcher's variables make no sense ({error}); start with torchrun or srun") from error
    return World()


def _of_torchrun(variables: Mapping[str, str]) -> World:
    """Read the variables of torchrun, which this program sets as well."""
    size = int(variables["WORLD_SIZE"])
    return World(
        int(variables["RANK"]),
        size,
        int(variables["LOCAL_RANK"]),
        int(variables.get("LOCAL_WORLD_SIZE", size)),
        variables["MASTER_ADDR"],
        int(variables["MASTER_PORT"]),
        "isonet" if STARTED_HERE in variables else "torchrun",
    )


def _of_slurm(variables: Mapping[str, str]) -> World:
    """Read the variables of a task that srun started; tasks meet at the first node of the step."""
    first, count = _SLURM_PORTS
    step = int(variables["SLURM_JOB_ID"]) + int(variables.get("SLURM_STEP_ID", 0))
    return World(
        int(variables["SLURM_PROCID"]),
        int(variables["SLURM_STEP_NUM_TASKS"]),
        int(variables["SLURM_LOCALID"]),
        tasks_of_nodes(variables["SLURM_STEP_TASKS_PER_NODE"])[int(variables["SLURM_NODEID"])],
        variables.get("MASTER_ADDR") or first_host(variables["SLURM_STEP_NODELIST"]),
        int(variables.get("MASTER_PORT") or first + step % count),
        "slurm",
    )


def tasks_of_nodes(text: str) -> list[int]:
    """Tasks of each node in Slurm's short form: `2(x3),1` is 2, 2, 2, 1."""
    tasks = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", part.strip())
        if match is None:
            raise ValueError(f"{text!r} is no list of tasks")
        tasks += [int(match[1])] * int(match[2] or 1)
    return tasks


def first_host(nodes: str) -> str:
    """First name of Slurm's list of nodes: `gpu[07-09,12],cpu1` begins with `gpu07`."""
    match = re.match(r"([^\[,\s]+)(?:\[([^\],-]+)[^\]]*\]([^,\s]*))?", nodes)
    if match is None:
        raise ValueError(f"{nodes!r} is no list of nodes")
    return "".join(part or "" for part in match.groups())


def processes_to_start(asked: int, nodes: int, here: World) -> int:
    """How many processes a command has to start: 1 (itself) where another program has started them already.

    Parameters
    ----------
    asked : int
        Processes on each machine that the user asked for; 0 leaves it to the launcher.
    nodes : int
        Machines that the user asked for.
    here : World
        What the launcher says.

    Raises
    ------
    InputError
        If the launcher started another number of processes, or none on the other machines.
    """
    if here.size > 1:
        if here.started_elsewhere and asked and asked * nodes != here.size:
            raise InputError(
                f"--devices {asked} --num-nodes {nodes}: {here.launcher} has started {here.size} processes; make them "
                "agree, or leave the options out"
            )
        return 1
    if nodes > 1:
        raise InputError(
            f"--num-nodes {nodes}: this is a process on its own; start it on every machine with torchrun or srun, see "
            "docs/cluster.md"
        )
    return max(1, asked)
