from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from photovst.errors import SettingsError
from photovst.models.arbitrary import Arbitrary
from photovst.training.batch import Batch
from photovst.training.drawn import Drawn
from photovst.training.paired_style import PairedStyle
from photovst.training.picture_terms import BatchStyle
from photovst.training.style_task import StyleTask


class Colors(nn.Module):
    """An encoder of one layer: colors and their products."""

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        return {"colors": torch.cat([frames, frames.roll(1, dims=1) * frames], dim=1)}


def _batch(style: Tensor, regions: bool = False) -> Batch:
    torch.manual_seed(0)
    masks = style_masks = None
    if regions:
        light = torch.zeros(2, 2, 2, 16, 16)
        light[:, :, 0, :8], light[:, :, 1, 8:] = 1, 1
        masks, style_masks = light, light[:, 0]
    return Batch(
        torch.rand(2, 2, 3, 16, 16), torch.zeros(2, 1, 2, 16, 16), torch.ones(2, 1, 1, 16, 16),
        torch.zeros(2, 2, 16, 16, dtype=torch.uint8), style, masks, style_masks,
    )  # fmt: skip


def _drawn(batch: Batch, results: Tensor) -> Drawn:
    encoder = Colors()
    assert batch.style is not None
    frames = batch.frames.flatten(0, 1)
    return Drawn(batch, batch.frames, frames, frames, results, {}, encoder(results), encoder(batch.style))


def test_one_style_for_all_is_the_term_of_one_style() -> None:
    style = torch.rand(1, 3, 16, 16)
    batch = _batch(style.expand(2, -1, -1, -1))
    drawn = _drawn(batch, torch.rand(4, 3, 16, 16))
    expected = BatchStyle(Colors()(style))(drawn)
    torch.testing.assert_close(PairedStyle()(drawn), expected)


@pytest.mark.parametrize("regions", [False, True])
def test_each_result_is_held_to_its_own_style(regions: bool) -> None:
    style = torch.rand(2, 3, 16, 16)
    batch = _batch(style, regions)
    of_each = style.repeat_interleave(2, dim=0)
    assert float(PairedStyle()(_drawn(batch, of_each))) == pytest.approx(0, abs=1e-8)
    assert float(PairedStyle()(_drawn(batch, of_each.flip(0)))) > 1e-3


def test_a_region_is_held_to_its_counterpart_only() -> None:
    style = torch.rand(2, 3, 16, 16)
    style[:, :, 8:] *= 0.2
    swapped = style.roll(8, dims=2).repeat_interleave(2, dim=0)
    whole, apart = (float(PairedStyle()(_drawn(_batch(style, r), swapped))) for r in (False, True))
    assert whole == pytest.approx(0, abs=1e-8)
    assert apart > 0.5


def test_softened_distances_are_those_of_each_picture() -> None:
    batch = _batch(torch.rand(2, 3, 16, 16))
    results = torch.rand(4, 3, 16, 16)
    each = []
    for index in range(2):
        one = replace(batch, frames=batch.frames[index : index + 1], style=batch.style[index : index + 1])  # type: ignore[index]
        for t in range(2):
            of_one = replace(_drawn(one, results[2 * index : 2 * index + 2]), results=results[2 * index + t][None])
            each.append(PairedStyle()(replace(of_one, features=Colors()(of_one.results))))
    expected = torch.stack([0.2 * (1 + distance / 0.2).log() for distance in each]).mean()
    torch.testing.assert_close(PairedStyle(softening=0.2)(_drawn(batch, results)), expected)


def test_a_layer_that_is_nowhere_is_refused() -> None:
    drawn = _drawn(_batch(torch.rand(2, 3, 16, 16)), torch.rand(4, 3, 16, 16))
    with pytest.raises(SettingsError, match="too small for every layer"):
        PairedStyle(["relu9_1"])(drawn)


def test_a_task_of_many_styles_tells_the_network_which_and_trains_what_is_not_frozen() -> None:
    network = Arbitrary(width=2, blocks=1, bottleneck=4)
    network.freeze_prediction()
    batch = _batch(torch.rand(2, 3, 16, 16))
    task = StyleTask(network, Colors(), {"style": PairedStyle()}, {"style": 2.0}, many=True)
    breakdown = task.loss(task.module, batch)
    breakdown.total.backward()
    moved = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert moved == {"contract", "residual", "expand"}
    with torch.no_grad():
        frames = batch.frames.flatten(0, 1)
        assert batch.style is not None
        vectors = network.style_vectors(batch.style)[[0, 0, 1, 1]]
        expected = PairedStyle()(_drawn(batch, network(frames, vectors)))
    torch.testing.assert_close(breakdown.values["style"].detach(), expected)
