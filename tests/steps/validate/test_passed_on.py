"""What validate's prediction takes over from its options."""

from pathlib import Path

from isonet.config import ValidateConfig
from isonet.steps.validate.passed_on import prediction_options


def test_where_and_how_to_compute_is_as_for_the_training() -> None:
    asked = ValidateConfig(device="cuda:1", precision="fp16", devices="auto", overwrite=True)
    made = prediction_options(asked, Path("c"))
    assert (made.device, made.precision, made.devices, made.overwrite) == ("cuda:1", "fp16", "auto", True)
    assert made.output_dir == Path("c")
