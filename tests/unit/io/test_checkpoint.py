"""Models and states come back as they were, and nothing foreign is run or believed."""

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from isonet.errors import InputError
from isonet.io import checkpoint

WEIGHTS = {"a.weight": torch.arange(6.0).reshape(2, 3).T, "a.count": torch.tensor(7)}


class Bomb:
    """Object that would write a file when unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.target, "boom")


def test_a_model_comes_back_with_its_description(tmp_path: Path) -> None:
    description = {"cube": 64, "tilts": [-60.0, 60.0], "name": "Größe", "nothing": None}
    checkpoint.save_model(tmp_path / "model.safetensors", WEIGHTS, description)
    for path in (tmp_path / "model.safetensors", tmp_path):
        weights, found = checkpoint.load_model(path)
        assert found == {"format": 1, **description}
        assert all(torch.equal(weights[name], tensor) for name, tensor in WEIGHTS.items())
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_weights_in_half_precision_are_computed_with_in_single(tmp_path: Path) -> None:
    halved = {name: one.half() if one.is_floating_point() else one for name, one in WEIGHTS.items()}
    checkpoint.save_model(tmp_path / "model.safetensors", halved, {})
    weights, _ = checkpoint.load_model(tmp_path)
    assert all(weights[name].dtype == one.dtype and torch.equal(weights[name], one) for name, one in WEIGHTS.items())


def test_the_starter_means_the_shipped_one_unless_a_model_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of that name with other results in it, such as its own previews, is no model."""
    monkeypatch.chdir(tmp_path)
    shipped = checkpoint.load_model(checkpoint.STARTER)[0]
    Path("starter").mkdir()
    assert checkpoint.load_model(checkpoint.STARTER)[0].keys() == shipped.keys()
    checkpoint.save_model(Path("starter/model.safetensors"), WEIGHTS, {})
    assert checkpoint.load_model(checkpoint.STARTER)[0].keys() == WEIGHTS.keys()


@pytest.mark.parametrize("length", [0, 4, 40, -1])
def test_a_truncated_model_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    checkpoint.save_model(path, WEIGHTS, {})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match="not a readable model"):
        checkpoint.load_model(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "not a model of isonet"),
        ({"format": "pt"}, "not a model of isonet"),
        ({"isonet": "{"}, "not a model of isonet"),
        ({"isonet": "[]"}, "another version"),
        ({"isonet": '{"format": 2}'}, "another version"),
    ],
)
def test_foreign_models_are_refused(metadata: dict[str, str] | None, message: str, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "a.safetensors", metadata=metadata)
    with pytest.raises(InputError, match=message):
        checkpoint.load_model(tmp_path / "a.safetensors")


def test_a_missing_model_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.safetensors"):
        with pytest.raises(InputError, match="no such model"):
            checkpoint.load_model(path)


def test_a_state_comes_back(tmp_path: Path) -> None:
    state = {"weights": WEIGHTS, "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}}, "position": {"epoch": 2}}
    checkpoint.save_state(tmp_path / "state", state)
    found = checkpoint.load_state(tmp_path / "state")
    assert found["position"] == {"epoch": 2}
    assert torch.equal(found["weights"]["a.weight"], WEIGHTS["a.weight"])
    assert found["optimizer"]["state"][0]["step"] == 3


@pytest.mark.parametrize("length", [0, 4, 300, -1])
def test_a_truncated_state_is_refused(length: int, tmp_path: Path) -> None:
    path = tmp_path / "state"
    checkpoint.save_state(path, {"weights": WEIGHTS})
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(InputError, match="not a readable trainer state"):
        checkpoint.load_state(path)


@pytest.mark.parametrize("content", [b"text, no state", b"\x80\x04.", bytes(100)])
def test_foreign_states_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(InputError, match="not a readable trainer state"):
        checkpoint.load_state(tmp_path / "state")


def test_a_state_of_another_kind_or_none_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "list")
    with pytest.raises(InputError, match="not a trainer state"):
        checkpoint.load_state(tmp_path / "list")
    with pytest.raises(InputError, match="no refine to continue"):
        checkpoint.load_state(tmp_path / "none")


def test_loading_runs_no_code(tmp_path: Path) -> None:
    target = tmp_path / "target"
    torch.save({"weights": Bomb(target)}, tmp_path / "state")
    (tmp_path / "old").write_bytes(pickle.dumps({"weights": Bomb(target)}))
    for name in ("state", "old"):
        with pytest.raises(InputError, match="not a readable trainer state"):
            checkpoint.load_state(tmp_path / name)
        with pytest.raises(InputError, match="not a readable model"):
            checkpoint.load_model(tmp_path / name)
    assert not target.exists()
