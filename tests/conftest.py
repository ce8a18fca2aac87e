"""What all tests share: shapes and types are checked at run time, and real files are found."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Where arrays of many shapes meet; elsewhere mypy sees what there is to see, and each call here costs a little.
# An int is a float to the type checker, and so here (PEP 484).
CHECKED = [
    "isonet.core",
    "isonet.train",
    "isonet.steps",
    "isonet.volumes",
    "isonet.models",
    "isonet.validation",
    "isonet.io.structure",
]
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
