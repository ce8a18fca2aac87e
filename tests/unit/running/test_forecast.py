"""What memory and disk a step is said to need, and what is there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from isonet.errors import InputError
from isonet.running.forecast import free_memory, parts_that_fit, refuse_full_disk
from isonet.train.network.footprint import Footprint, footprint
from isonet.train.network.unet import UNetShape

STEP = """
import torch
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.pairs import Batch
from isonet.train.network.unet import UNet, UNetShape

def memory(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(name))

torch.set_num_threads(1)
before = memory("VmRSS")
shape = UNetShape(filter_base=16, drop_out=0.0)
trainer = Trainer(UNet(shape), torch.device("cpu"), "float32", TrainerOptions(optimizer="muon"))
volume = torch.randn(2, 1, 64, 64, 64)
batch = Batch(volume, volume, torch.ones(2, 1, 64, 64, 33))
float(trainer.step(batch, 1e-3))
print(memory("VmHWM") - before)
"""


def test_a_step_takes_what_is_foreseen() -> None:
    """Within 30 % of the peak of a real one."""
    done = subprocess.run([sys.executable, "-c", STEP], capture_output=True, text=True, check=True)
    foreseen = footprint(UNetShape(filter_base=16, drop_out=0.0), 64, "muon", "float32").step(2)
    assert foreseen == pytest.approx(float(done.stdout), rel=0.3)


def test_more_of_everything_takes_more() -> None:
    small = footprint(UNetShape(filter_base=8), 32, "muon", "float32")
    assert footprint(UNetShape(filter_base=8), 64, "muon", "float32").cube == pytest.approx(8 * small.cube, rel=0.05)
    assert footprint(UNetShape(filter_base=16), 32, "muon", "float32").cube == pytest.approx(2 * small.cube, rel=0.2)
    assert footprint(UNetShape(filter_base=8), 32, "muon", "bf16").cube < small.cube
    assert footprint(UNetShape(filter_base=8), 32, "adamw", "float32").fixed > small.fixed


@pytest.mark.parametrize(
    ("there", "asked", "parts"),
    [(900, 1, 1), (500, 1, 1), (499, 1, 2), (299, 1, 4), (200, 1, 4), (199, 1, None), (None, 2, 2), (900, 9, 4)],
)
def test_parts_that_fit(there: int | None, asked: int, parts: int | None) -> None:
    """Four cubes of 100 bytes beside a network of 100."""
    assert parts_that_fit(Footprint(100, 100), 4, 4, asked, there) == parts


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_free_memory_is_that_of_the_machine_or_of_the_job(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None
    write(tmp_path / "proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    assert free_memory(tmp_path) == 5_120_000
    write(tmp_path / "proc/self/cgroup", "4:memory:/job_7\n1:cpu:/\n0::/slurm/job_7\n")
    assert free_memory(tmp_path) == 5_120_000
    write(tmp_path / "sys/fs/cgroup/slurm/memory.max", "3000000")
    write(tmp_path / "sys/fs/cgroup/slurm/memory.current", "1000000")
    write(tmp_path / "sys/fs/cgroup/slurm/job_7/memory.max", "max")
    write(tmp_path / "sys/fs/cgroup/slurm/job_7/memory.current", "1000000")
    assert free_memory(tmp_path) == 2_000_000
    write(tmp_path / "sys/fs/cgroup/memory/job_7/memory.limit_in_bytes", "1500000")
    write(tmp_path / "sys/fs/cgroup/memory/job_7/memory.usage_in_bytes", "1000000")
    assert free_memory(tmp_path) == 500_000


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(9, 8, 1_000_000_000))
    refuse_full_disk(tmp_path / "new" / "folder", 1_000_000_000, "free some space")
    with pytest.raises(InputError, match=r"folder: about 1\.1 GB will be written, 1\.0 GB are free; free some space"):
        refuse_full_disk(tmp_path / "new" / "folder", 1_100_000_000, "free some space")
