import pytest
import torch
from torch import Tensor, nn

from photovst.losses.content import ContentTerm
from photovst.losses.structure import StructureTerm
from photovst.losses.style import StyleTerm, layer_masks, region_grams
from photovst.losses.two_frame import feature_temporal, output_temporal
from photovst.models.grid_network import GridNetwork
from photovst.models.reconet import ReCoNet
from photovst.models.steerable import Steerable
from photovst.optimize.grid_prior import GridPrior
from photovst.training.batch import UNKNOWN_LABEL, Batch
from photovst.training.drawn import Drawn
from photovst.training.motion_terms import OutputTemporal, features_steady
from photovst.training.picture_terms import (
    BatchContent,
    BatchPhotorealism,
    BatchStyle,
    GridSmoothness,
    gamut,
    structure,
    variation,
)
from photovst.training.style_task import StyleTask

ENCODER = Steerable(levels=2)
B, T, H, W = 2, 3, 24, 32


def batch(seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (B, T, H, W), generator=generator).byte()
    return Batch(
        torch.rand(B, T, 3, H, W, generator=generator),
        torch.randn(B, T - 1, 2, H, W, generator=generator),
        torch.rand(B, T - 1, 1, H, W, generator=generator),
        labels,
    )


def drawn(outputs: Tensor | None = None, of: Batch | None = None) -> Drawn:
    of = of or batch()
    outputs = torch.rand(B, T, 3, H, W, generator=torch.Generator().manual_seed(9)) if outputs is None else outputs
    frames, results = of.frames[:, -2:].flatten(0, 1), outputs[:, -2:].flatten(0, 1)
    inner = torch.rand(B * T, 5, 6, 8, generator=torch.Generator().manual_seed(8))
    return Drawn(of, outputs, inner, frames, results, ENCODER(frames), ENCODER(results))


def test_content_is_the_mean_of_the_pictures() -> None:
    step = drawn()
    alone = [
        ContentTerm(ENCODER(frame[None]), "level1")(result[None], ENCODER(result[None]))
        for frame, result in zip(step.frames, step.results, strict=True)
    ]
    torch.testing.assert_close(BatchContent("level1")(step), torch.stack(alone).mean())


@pytest.mark.parametrize("groups", [(), ((0,), (1,))])
def test_style_is_the_mean_of_the_pictures(groups: tuple[tuple[int, ...], ...]) -> None:
    step, style = drawn(), torch.rand(1, 3, 20, 28, generator=torch.Generator().manual_seed(5))
    labels = torch.randint(0, 3, (1, 20, 28), generator=torch.Generator().manual_seed(4)).byte()
    features = ENCODER(style)
    term = BatchStyle(features, None, labels if groups else None, groups)
    masks = torch.ones(1, 1, 20, 28)
    if groups:  # what is in no group takes the style of the whole photograph
        masks = torch.stack([labels == 0, labels == 1, labels < 99], dim=1).float()
    targets = region_grams(features, layer_masks(masks, features))
    alone = []
    for index, result in enumerate(step.results):
        seen = step.batch.labels[:, -2:].flatten(0, 1)[index, None]
        own = torch.stack([seen == 0, seen == 1, seen == 2], dim=1).float() if groups else torch.ones(1, 1, H, W)
        alone.append(StyleTerm(targets, layer_masks(own, step.features))(result[None], ENCODER(result[None])))
    torch.testing.assert_close(term(step), torch.stack(alone).mean(), rtol=1e-4, atol=1e-6)


def test_style_of_the_style_itself_is_nothing() -> None:
    frames = torch.rand(1, 1, 3, H, W).expand(B, T, 3, H, W)
    assert BatchStyle(ENCODER(frames[0, :1]))(drawn(frames)) < 1e-9


def test_regions_that_are_not_known_take_the_whole_style() -> None:
    of = batch()
    unknown = Batch(of.frames, of.flow, of.certainty, torch.full_like(of.labels, UNKNOWN_LABEL))
    style = ENCODER(torch.rand(1, 3, 20, 28))
    labels = torch.zeros(1, 20, 28, dtype=torch.uint8)
    labels[:, 10:] = 1
    masked, plain = BatchStyle(style, None, labels, ((0,), (1,))), BatchStyle(style)
    torch.testing.assert_close(masked(drawn(of=unknown)), plain(drawn(of=unknown)))
    assert abs(masked(drawn(of=of)) - plain(drawn(of=of))) > 1e-4


def test_regions_need_labels() -> None:
    with pytest.raises(ValueError, match="labels of the style image"):
        BatchStyle(ENCODER(torch.rand(1, 3, 20, 28)), None, None, ((0,),))


def test_a_recolored_frame_keeps_its_structure_and_its_photorealism() -> None:
    of = batch()
    softer = 0.5 * of.frames + 0.2
    assert structure(drawn(softer, of)) < 0.01
    assert BatchPhotorealism()(drawn(softer, of)) < 1e-4
    other = drawn(of=of)
    assert structure(other) > 0.5
    assert BatchPhotorealism()(other) > 0.1
    alone = [StructureTerm(f[None])(r[None], {}) for f, r in zip(other.frames, other.results, strict=True)]
    torch.testing.assert_close(structure(other), torch.stack(alone).mean())


def test_gamut_and_variation() -> None:
    assert gamut(drawn(torch.full((B, T, 3, H, W), 1.5))) == pytest.approx(0.25)
    assert gamut(drawn()) == 0
    board = (torch.arange(H)[:, None] + torch.arange(W)) % 2
    assert variation(drawn(board.float().expand(B, T, 3, H, W))) == pytest.approx(2)


@pytest.mark.parametrize("place", [-2, -3])
def test_temporal_terms_take_the_frames_they_name(place: int) -> None:
    step = drawn()
    of = step.batch
    expected = output_temporal(
        step.outputs[:, -1], step.outputs[:, place], of.frames[:, -1], of.frames[:, place],
        of.flow[:, place + 1], of.certainty[:, place + 1], "rec601",
    )  # fmt: skip
    torch.testing.assert_close(OutputTemporal(place, "rec601")(step), expected)


def test_features_are_held_to_the_frame_before() -> None:
    step = drawn()
    inner = step.inner.unflatten(0, (B, T))
    expected = feature_temporal(inner[:, 2], inner[:, 1], step.batch.flow[:, 1], step.batch.certainty[:, 1])
    torch.testing.assert_close(features_steady(step), expected)


def test_an_even_grid_is_smooth() -> None:
    network = GridNetwork(width=4, size=32, luma=3, rows=2, columns=3)
    term = GridSmoothness(GridPrior(1.0, luma=2.0, gain=1.0))
    of = batch()
    module = StyleTask(network, None, {"grid_smoothness": term}, {"grid_smoothness": 3.0})
    assert module.loss(module.module, of).total == 0  # untrained, it changes nothing
    nn.init.normal_(network.head.weight, std=0.3)
    result = module.loss(module.module, of)
    torch.testing.assert_close(result.total, 3 * result.values["grid_smoothness"])
    assert result.total > 0


def test_every_weight_of_the_network_is_moved() -> None:
    torch.manual_seed(0)
    network = ReCoNet(width=4, blocks=1)
    terms = {
        "content": BatchContent("level1"),
        "style": BatchStyle(ENCODER(torch.rand(1, 3, 20, 28))),
        "variation": variation,
        "output_temporal": OutputTemporal(),
        "feature_temporal": features_steady,
        "long_term": OutputTemporal(-3),
    }
    task = StyleTask(network, ENCODER, terms, dict.fromkeys(terms, 0.5))
    result = task.loss(task.module, batch())
    torch.testing.assert_close(result.total, 0.5 * torch.stack(list(result.values.values())).sum())
    result.total.backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters() if p.ndim > 1)


def test_long_term_has_a_gradient() -> None:
    # In the listing of the report it has none.
    torch.manual_seed(0)
    network = ReCoNet(width=4, blocks=1)
    task = StyleTask(network, None, {"long_term": OutputTemporal(-3)}, {"long_term": 1.0})
    task.loss(task.module, batch()).total.backward()
    assert network.encoder[0][0][1].weight.grad.abs().max() > 0


def test_terms_and_weights_have_the_same_names() -> None:
    with pytest.raises(ValueError, match="same names"):
        StyleTask(ReCoNet(4, 1), None, {"variation": variation}, {"content": 1.0})
