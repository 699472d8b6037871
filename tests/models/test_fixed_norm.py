import torch
from torch import nn

from photovst.models.fixed_norm import FixedNorm


def test_it_is_pytorchs_batch_normalization_with_its_stored_statistics() -> None:
    ours, theirs = FixedNorm(5), nn.BatchNorm2d(5, eps=1e-3).eval()
    with torch.no_grad():
        theirs.bias.normal_()
    theirs.running_mean, theirs.running_var = torch.randn(5), torch.rand(5) + 0.5
    state = {"beta": theirs.bias, "mean": theirs.running_mean, "variance": theirs.running_var}
    ours.load_state_dict(state)
    features = torch.randn(2, 5, 3, 4)
    torch.testing.assert_close(ours(features), theirs(features))
    assert [name for name, _ in ours.named_parameters()] == ["beta"]


def test_what_passes_through_changes_no_statistics_in_a_training_either() -> None:
    norm = FixedNorm(3).train()
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    alone, other = torch.randn(1, 3, 4, 4), 9 * torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(norm(torch.cat([alone, other]))[:1], norm(alone))
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())
