"""What the tests of the browser interface share."""

from collections.abc import Iterator

import pytest
from at_work import Interface, blobs, start, stop, write


@pytest.fixture(scope="module")
def interface(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Interface]:
    """An interface on a folder that holds `tomograms/small.mrc` and no table yet."""
    project = tmp_path_factory.mktemp("gui") / "project"
    write(project / "tomograms" / "small.mrc", blobs())
    made = start(project)
    yield made
    stop(made)
