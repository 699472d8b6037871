"""A checkpoint of torchvision's layout with random numbers in place of the published ones, which are not at hand."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from photovst.errors import WeightsError
from photovst.models import checkpoints
from photovst.models.raft import raft
from photovst.models.torchvision_ops import import_torchvision
from photovst.models.weights import load

COUNTS = {"large": 5257536, "small": 990162}  # torchvision's published num_params


def _random(kind: str) -> nn.Module:
    import_torchvision()
    from torchvision.models import optical_flow

    torch.manual_seed(0)
    return getattr(optical_flow, f"raft_{kind}")()


@pytest.mark.parametrize("kind", ["large", "small"])
def test_a_checkpoint_becomes_the_network_it_is_of(kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = _random(kind)
    published = {"large": checkpoints.RAFT_LARGE, "small": checkpoints.RAFT_SMALL}[kind]
    path = tmp_path / published.file
    torch.save(theirs.state_dict(), path)
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path))
    checkpoint = replace(published, sha256=hashlib.sha256(path.read_bytes()).hexdigest()[:8])
    ours = raft(load(checkpoint), kind)
    assert sum(parameter.numel() for parameter in ours.parameters()) == COUNTS[kind]
    assert not ours.training
    assert not any(parameter.requires_grad for parameter in ours.parameters())
    first, second = torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        flows = theirs.eval()(first, second, num_flow_updates=2)
    assert torch.equal(ours(first, second, num_flow_updates=2)[-1], flows[-1])


def test_files_and_addresses_are_torchvisions() -> None:
    import_torchvision()
    from torchvision.models import optical_flow

    for ours, theirs in (
        (checkpoints.RAFT_LARGE, optical_flow.Raft_Large_Weights.C_T_SKHT_V2),
        (checkpoints.RAFT_SMALL, optical_flow.Raft_Small_Weights.C_T_V2),
    ):
        assert ours.url == theirs.url
        assert theirs.url.endswith(f"/{ours.file}")
        assert ours.file.endswith(f"-{ours.sha256}.pth")
        assert ours.megabytes == pytest.approx(theirs.meta["_file_size"] * 1.048576, abs=0.001)


def test_weights_of_another_network_are_refused() -> None:
    small = _random("small").state_dict()
    with pytest.raises(WeightsError, match=r"weights are not those of raft_large: .* \(\d+ tensors differ\)") as caught:
        raft(small, "large")
    assert "\n" not in str(caught.value)
    name = next(iter(small))
    with pytest.raises(WeightsError, match=rf"not those of raft_small: {name} is absent there .* \(1 tensors differ\)"):
        raft({key: tensor for key, tensor in small.items() if key != name}, "small")
