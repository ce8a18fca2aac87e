"""What all tests share: shapes and types are checked at run time, and real files are found."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# All but the configuration, whose types pydantic checks. An int is a float to the type checker, and so here (PEP 484).
CHECKED = [f"isonet.{name}" for name in ("core", "io", "train", "steps", "project", "runs")]
install_import_hook(CHECKED, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

import torch  # noqa: E402

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with files that other programs wrote; where it is there, nothing may skip."""
    folder = Path(os.environ.get("ISONET_TEST_DATA", Path(__file__).parents[1] / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}; set ISONET_TEST_DATA")
    return folder.resolve()
