"""Which process this is, as isonet, torchrun and Slurm tell, and how many a command has to start."""

import pytest

from isonet.errors import InputError
from isonet.running.world import World, current, first_host, processes_to_start, tasks_of_nodes

TORCHRUN = {
    **{"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
    **{"MASTER_ADDR": "gpu07", "MASTER_PORT": "29500"},
}
SLURM = {
    **{"SLURM_JOB_ID": "1234567", "SLURM_STEP_ID": "2", "SLURM_PROCID": "5", "SLURM_LOCALID": "1"},
    **{"SLURM_NODEID": "2", "SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_TASKS_PER_NODE": "2(x3)"},
    "SLURM_STEP_NODELIST": "gpu[07-09]",
}


def test_a_process_on_its_own() -> None:
    assert current({}) == World()
    assert not World().started_elsewhere


def test_started_by_torchrun() -> None:
    assert current(TORCHRUN) == World(3, 4, 1, 2, "gpu07", 29500, "torchrun")
    assert current(TORCHRUN).started_elsewhere


def test_started_by_this_program() -> None:
    here = current({**TORCHRUN, "ISONET_PROCESSES": "4"})
    assert here.size == 4
    assert not here.started_elsewhere


def test_started_by_srun() -> None:
    assert current(SLURM) == World(5, 6, 1, 2, "gpu07", 15000 + 4569, "slurm")


def test_a_batch_script_without_srun_is_a_process_on_its_own() -> None:
    """Slurm tells a batch script of all tasks it might start."""
    assert current({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "6", "SLURM_PROCID": "0"}) == World()
    assert current({**SLURM, "SLURM_STEP_NUM_TASKS": "1"}) == World()


@pytest.mark.parametrize("missing", ["SLURM_PROCID", "SLURM_NODEID", "SLURM_STEP_NODELIST"])
def test_variables_that_contradict_each_other(missing: str) -> None:
    with pytest.raises(InputError, match="srun"):
        current({name: value for name, value in SLURM.items() if name != missing})


@pytest.mark.parametrize(
    ("text", "first"),
    [("gpu07", "gpu07"), ("gpu[07-09,12],cpu1", "gpu07"), ("a1,a2", "a1"), ("n[3]-ib", "n3-ib"), ("x-[1,4]", "x-1")],
)
def test_first_host(text: str, first: str) -> None:
    assert first_host(text) == first


def test_tasks_of_nodes() -> None:
    assert tasks_of_nodes("2(x3),1") == [2, 2, 2, 1]
    assert tasks_of_nodes("4") == [4]


def test_processes_to_start() -> None:
    four = World(size=4, launcher="torchrun")
    assert processes_to_start(1, 1, World()) == 1
    assert processes_to_start(3, 1, World()) == 3
    assert processes_to_start(0, 1, four) == processes_to_start(2, 2, four) == 1
    with pytest.raises(InputError, match="--devices 2 --num-nodes 1: torchrun has started 4"):
        processes_to_start(2, 1, four)
    with pytest.raises(InputError, match=r"--num-nodes 2.*torchrun or srun"):
        processes_to_start(2, 2, World())
