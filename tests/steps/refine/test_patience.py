"""Whether a training that does not move any more ends early."""

from typing import Any

import pytest

from isonet.config import RefineConfig
from isonet.steps.refine.plan import patience_of


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0),  # the small steps at the end of the cosine would be missing
        ({"time_budget": 3600}, 0),
        ({"schedule": "constant"}, 8),
        ({"schedule": "constant", "time_budget": 3600}, 0),  # the time is the user's
        ({"patience": 3}, 3),
        ({"patience": 3, "time_budget": 3600}, 3),
        ({"schedule": "constant", "patience": 0}, 0),
    ],
)
def test_a_course_is_followed_to_its_end_unless_asked(options: dict[str, Any], expected: int) -> None:
    assert patience_of(RefineConfig(**options)) == expected
