import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.flow import FlowPair
from photovst.guidance.guides import Guides
from photovst.guidance.regions import StylePhoto
from photovst.losses.content import ContentTerm
from photovst.losses.style import StyleTerm, layer_masks, region_grams
from photovst.losses.temporal import TemporalTerm
from photovst.media.scenes import Look, Scene, photograph
from photovst.media.tensors import to_frame
from photovst.models.steerable import Steerable
from photovst.ops.resize import resize
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.frame_optimizer import FrameOptimizer, Scale
from photovst.optimize.frame_terms import FrameTerms, Recipe
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.neighbors import Earlier, Stylized
from photovst.optimize.parametrization import Parametrization
from photovst.optimize.pixels import Pixels
from photovst.optimize.solver import Solver
from photovst.optimize.starts import Starts

SCALES = (Scale(48, 16, 0), Scale(96, 6, 4))
PRIOR = GridPrior(smoothness=0.02, luma=1.0, within=1.0, gain=0.0)
RECIPE = [field.name for field in dataclasses.fields(Recipe)]
WEIGHTS = {"style": 1.0, "content": 0.02, "structure": 0.08, "gamut": 10.0}


@pytest.fixture(scope="module")
def frames() -> list[Tensor]:
    scene = Scene(1, Look.day, (64, 96), frames=2)
    return [to_frame(scene.frame(t)) for t in range(2)]


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return to_frame(photograph(Look.sunset, 2, (48, 64)))


def _halves(frame: Tensor) -> Tensor:
    """An upper and a lower region."""
    lower = torch.zeros_like(frame[:, :1])
    lower[..., frame.shape[-2] // 2 :, :] = 1
    return torch.cat([1 - lower, lower], dim=1)


def _still(frame: Tensor) -> FlowPair:
    zero, one = torch.zeros_like(frame[:, :2]), torch.ones_like(frame[:, :1])
    return FlowPair(zero, one, zero, one)


def _grid(guides: Guides) -> Parametrization:
    return BilateralGrid.identity((4, 4, 6), PRIOR, guides.frame.device)


def _pixels(guides: Guides) -> Parametrization:
    return Pixels.identity(guides.frame)


ANEW = Starts(_grid, "anew")


def _after(previous: Stylized) -> Earlier:
    """A frame that comes after another one."""
    return Earlier({1: previous}, previous)


def _optimizer(photo: Tensor, scales: Sequence[Scale] = SCALES, **changed: Any) -> FrameOptimizer:
    """An optimizer of these scales; further arguments are those of a recipe, an encoder, or the optimizer's own."""
    encoder = changed.pop("encoder", Steerable(stride=2))
    recipe = {name: changed.pop(name) for name in RECIPE if name in changed}
    terms = FrameTerms(Recipe(**{"weights": WEIGHTS, **recipe}), encoder, [StylePhoto("photo", photo, _halves(photo))])
    return FrameOptimizer(terms, scales, **{"solver": Solver(), "starts": Starts(_grid), **changed})


@pytest.fixture(scope="module")
def first(frames: list[Tensor], photo: Tensor) -> Stylized:
    return _optimizer(photo).stylize(Guides(frames[0], _halves(frames[0])), None)


def test_the_frame_takes_the_photographs_style(frames: list[Tensor], photo: Tensor, first: Stylized) -> None:
    frame, masks, encoder = frames[0], _halves(frames[0]), Steerable(stride=2)
    # No working size is above that of the photograph but the last, where it is taken as it is.
    features, wanted = encoder(frame), encoder(photo)
    term = StyleTerm(region_grams(wanted, layer_masks(_halves(photo), wanted)), layer_masks(masks, features))
    before = term(frame, encoder(frame)).item()
    assert first.losses["style"] < 0.2 * before
    # Judged without the encoder: each half's mean color is where the photograph's is.
    result = first.parametrization.lift(frame)
    for half in range(2):
        mean, was, wanted = (
            (image * _halves(image)[:, half : half + 1]).mean(dim=(2, 3)) / 0.5 for image in (result, frame, photo)
        )
        assert (mean - wanted).norm() < 0.35 * (was - wanted).norm()
    # And its content stays: what is bright above what is dark.
    assert first.losses["structure"] < 0.4
    assert 16 <= first.iterations <= 22
    assert first.evaluations > first.iterations


def test_losses_are_named_unweighted_and_add_up(first: Stylized) -> None:
    assert first.losses.keys() == {*WEIGHTS, "roughness", "total"}
    weighted = sum(weight * first.losses[name] for name, weight in {**WEIGHTS, "roughness": PRIOR.smoothness}.items())
    assert first.losses["total"] == pytest.approx(weighted, rel=1e-5)


def test_no_iterations_leave_the_frame(frames: list[Tensor], photo: Tensor) -> None:
    idle = _optimizer(photo, [Scale(48, 0, 0), Scale(96, 0, 0)])
    result = idle.stylize(Guides(frames[0], _halves(frames[0])), None)
    torch.testing.assert_close(result.parametrization.lift(frames[0]), frames[0], rtol=0, atol=3e-7)
    assert (result.iterations, result.evaluations, result.losses) == (0, 0, {})
    assert result.frame is frames[0]


def test_terms_without_a_weight_are_not_built(
    frames: list[Tensor], photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("built")

    names = ("ContentTerm", "StructureTerm", "PhotorealismTerm", "SmoothnessTerm", "TemporalTerm")
    for name in names:
        monkeypatch.setattr(f"photovst.optimize.frame_terms.{name}", refuse)
    optimizer = _optimizer(photo, [Scale(48, 1, 1)], weights={"style": 1.0, "gamut": 1.0})
    guides = Guides(frames[0], _halves(frames[0]), {1: _still(frames[0])})
    result = optimizer.stylize(guides, _after(optimizer.stylize(guides, None)))
    assert result.losses.keys() == {"style", "gamut", "roughness", "total"}


def test_a_warm_second_frame_takes_fewer_evaluations_and_ends_as_well(
    frames: list[Tensor], photo: Tensor, first: Stylized
) -> None:
    motion = EstimatedMotion(Dis()).between(frames[0], frames[1], (0, 1))
    guides = Guides(frames[1], _halves(frames[1]), {1: motion})
    warm = _optimizer(photo).stylize(guides, _after(first))
    as_many = [Scale(scale.long_side, scale.iterations, scale.iterations) for scale in SCALES]
    cold = _optimizer(photo, as_many, starts=ANEW).stylize(guides, _after(first))
    assert warm.evaluations < 0.4 * cold.evaluations
    assert warm.losses["style"] < 1.2 * cold.losses["style"]
    assert warm.iterations <= 4 < cold.iterations
    idle = _optimizer(photo, [Scale(96, 0, 0)], starts=ANEW).stylize(guides, _after(first))
    torch.testing.assert_close(idle.parametrization.lift(frames[1]), frames[1], rtol=0, atol=3e-7)


def test_without_motion_nothing_is_warped(frames: list[Tensor], photo: Tensor, first: Stylized) -> None:
    with pytest.raises(ValueError, match=r"^a neighbor without motion cannot be warped"):
        _optimizer(photo).stylize(Guides(frames[0], _halves(frames[0])), _after(first))


def _cells(stylized: Stylized) -> Tensor:
    assert isinstance(stylized.parametrization, BilateralGrid)
    return stylized.parametrization.grid


@pytest.mark.parametrize("target", ["transform", "output"])
@pytest.mark.parametrize("kind", ["grid", "pixels"])
def test_a_static_clip_has_no_temporal_loss(target: str, kind: str, frames: list[Tensor], photo: Tensor) -> None:
    frame = frames[0]
    halved = BilateralGrid(0.5 * BilateralGrid.identity((4, 4, 6), PRIOR, frame.device).grid, PRIOR)
    former = halved if kind == "grid" else Pixels(Pixels.identity(0.5 * frame).image, frame)
    optimizer = _optimizer(
        photo, [Scale(96, 3, 3)], weights={"temporal": 10.0}, temporal_target=target, solver=Solver()
    )
    guides = Guides(frame, _halves(frame), {1: _still(frame)})
    result = optimizer.stylize(guides, _after(Stylized(former, frame, {}, 0, 0)))
    assert result.losses["temporal"] < 1e-12
    torch.testing.assert_close(result.parametrization.lift(frame), former.lift(frame), rtol=0, atol=1e-5)


def test_the_temporal_term_holds_a_frame_to_the_one_before(
    frames: list[Tensor], photo: Tensor, first: Stylized
) -> None:
    # Started anew, asked for the other photograph's halves: only the temporal term knows the first result.
    guides = Guides(frames[0], _halves(frames[0]).flip(1), {1: _still(frames[0])})
    goal = first.parametrization.lift(frames[0])
    away = {}
    for weight in (0.0, 30.0):
        weights = {"style": 1.0} | ({"temporal": weight} if weight else {})
        optimizer = _optimizer(photo, [Scale(48, 10, 10)], weights=weights, starts=ANEW)
        result = optimizer.stylize(guides, _after(first)).parametrization.lift(frames[0])
        away[weight] = (result - goal).square().mean().item()
    assert away[30.0] < 0.2 * away[0.0]


def test_uncertain_motion_holds_nothing(frames: list[Tensor], photo: Tensor, first: Stylized) -> None:
    still = _still(frames[0])
    blind = FlowPair(still.to_previous, 0 * still.certainty_to_previous, still.to_next, 0 * still.certainty_to_next)
    guides = Guides(frames[0], _halves(frames[0]), {1: blind})
    free, held = (
        _optimizer(photo, [Scale(48, 4, 4)], weights=weights).stylize(guides, _after(first))
        for weights in ({"style": 1.0}, {"style": 1.0, "temporal": 1e4})
    )
    assert held.losses.pop("temporal") == 0
    assert held.losses == free.losses


def test_the_first_frame_has_no_temporal_term(frames: list[Tensor], photo: Tensor) -> None:
    optimizer = _optimizer(photo, [Scale(48, 1, 1)], weights={"style": 1.0, "temporal": 10.0})
    assert "temporal" not in optimizer.stylize(Guides(frames[0], _halves(frames[0])), None).losses


def test_output_target_is_the_previous_result_warped_and_resized(
    frames: list[Tensor], photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets: list[Tensor] = []

    def recorded(references: list[tuple[Tensor, Tensor]], *rest: Any, **more: Any) -> TemporalTerm:
        ((target, certainty),) = references
        targets.append(target)
        assert certainty.shape[-2:] == target.shape[-2:]
        return TemporalTerm(references, *rest, **more)

    monkeypatch.setattr("photovst.optimize.frame_terms.TemporalTerm", recorded)
    gray = BilateralGrid(0.5 * BilateralGrid.identity((2, 2, 2), PRIOR, torch.device("cpu")).grid, PRIOR)
    shift = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1).expand(1, 2, 64, 96).contiguous()
    one = torch.ones(1, 1, 64, 96)
    guides = Guides(frames[1], _halves(frames[1]), {1: FlowPair(shift, one, -shift, one)})
    previous = Stylized(gray, frames[0], {}, 0, 0)
    for kind in ("output", "transform"):
        optimizer = _optimizer(photo, [Scale(48, 1, 1)], weights={"temporal": 1.0}, temporal_target=kind)
        optimizer.stylize(guides, _after(previous))
    output, transform = targets
    moved = torch.cat([frames[0][..., 2:], frames[0][..., -1:].expand(-1, -1, -1, 2)], dim=3)
    torch.testing.assert_close(output, resize(0.5 * moved, (32, 48)), rtol=0, atol=1e-6)
    torch.testing.assert_close(transform, 0.5 * resize(frames[1], (32, 48)), rtol=0, atol=1e-6)


def test_the_same_frame_ends_in_the_same_bits(frames: list[Tensor], photo: Tensor, first: Stylized) -> None:
    again = _optimizer(photo).stylize(Guides(frames[0], _halves(frames[0])), None)
    assert torch.equal(_cells(again), _cells(first))
    assert again.losses == first.losses


def test_scales_beyond_the_frame_are_cut_down_and_every_iteration_is_told(frames: list[Tensor], photo: Tensor) -> None:
    shapes: set[tuple[int, ...]] = set()
    plain = Steerable(stride=2)

    def encoder(image: Tensor) -> dict[str, Tensor]:
        shapes.add(tuple(image.shape[-2:]))
        return plain(image)

    told: list[tuple[int, int]] = []
    optimizer = _optimizer(photo, [Scale(48, 3, 0), Scale(500, 2, 0)], encoder=encoder)
    optimizer.stylize(
        Guides(frames[0], _halves(frames[0])), None, lambda size, iteration, loss: told.append((size, iteration))
    )
    assert told == [(48, 1), (48, 2), (48, 3), (500, 1), (500, 2)]
    # The frame at both sizes, and the photograph, 48x64, at 48 and at its own.
    assert shapes == {(32, 48), (64, 96), (36, 48), (48, 64)}


def test_the_photograph_is_encoded_once_a_scale(frames: list[Tensor], photo: Tensor) -> None:
    seen: list[tuple[int, ...]] = []
    plain = Steerable(stride=2)

    def encoder(image: Tensor) -> dict[str, Tensor]:
        seen.append(tuple(image.shape[-2:]))
        return plain(image)

    optimizer = _optimizer(photo, [Scale(48, 1, 1), Scale(96, 1, 1)], encoder=encoder)
    guides = Guides(frames[0], _halves(frames[0]), {1: _still(frames[0])})
    optimizer.stylize(guides, _after(optimizer.stylize(guides, None)))
    assert seen.count((36, 48)) == seen.count((48, 64)) == 1


def test_content_holds_the_deepest_layer_of_the_frame(
    frames: list[Tensor], photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[str] = []

    def recorded(features: dict[str, Tensor], *rest: Any) -> ContentTerm:
        term = ContentTerm(features, *rest)
        held.append(term.layer)
        return term

    monkeypatch.setattr("photovst.optimize.frame_terms.ContentTerm", recorded)
    _optimizer(photo, [Scale(96, 1, 1)]).stylize(Guides(frames[0], _halves(frames[0])), None)
    assert held == ["level4"]


def test_free_pixels_with_every_term(frames: list[Tensor], photo: Tensor) -> None:
    weights = {**WEIGHTS, "photorealism": 1e-2, "smoothness": 1e-2, "temporal": 1.0}
    # The finest scale has no iterations: the picture stays at 48 pixels and is carried, shown and held from there.
    optimizer = _optimizer(
        photo, [Scale(48, 12, 3), Scale(96, 0, 0)], weights=weights, starts=Starts(_pixels), encoder=Steerable()
    )
    told: list[float] = []
    guides = Guides(frames[0], _halves(frames[0]))
    begun = optimizer.stylize(guides, None, lambda size, iteration, loss: told.append(loss))
    assert begun.losses["total"] < 0.25 * told[0]
    assert begun.losses.keys() == {*weights, "total"} - {"temporal"}
    assert begun.parametrization.lift(frames[0]).shape == frames[0].shape
    following = optimizer.stylize(
        Guides(frames[1], _halves(frames[1]), {1: EstimatedMotion(Dis()).between(frames[0], frames[1], (0, 1))}),
        _after(begun),
    )
    assert following.losses.keys() == {*weights, "total"}
    assert following.losses["temporal"] < 2e-3


def test_a_term_may_begin_at_a_later_stage_of_the_same_size(frames: list[Tensor], photo: Tensor) -> None:
    stages = [Scale(48, 4, 0), Scale(48, 4, 0)]
    weights = {"style": 1.0, "photorealism": 50.0}
    guides = Guides(frames[0], _halves(frames[0]))
    losses: dict[int, list[float]] = {}
    terms = {}
    for stage in (0, 1, 2):
        told = losses[stage] = []
        optimizer = _optimizer(photo, stages, weights=weights, starts=Starts(_pixels), photorealism_from=stage)
        result = optimizer.stylize(guides, None, lambda size, iteration, loss, told=told: told.append(loss))
        terms[stage] = result.losses.keys() - {"total"}
    assert terms == {0: {"style", "photorealism"}, 1: {"style", "photorealism"}, 2: {"style"}}
    assert losses[1][:4] == losses[2][:4] != losses[0][:4]
    assert losses[1][4] > losses[2][4]  # the same picture, and now the term counts


def test_a_result_is_handed_over_between_stages_only(frames: list[Tensor], photo: Tensor) -> None:
    handed: list[Parametrization] = []

    def handover(result: Parametrization) -> Parametrization:
        assert isinstance(result, Pixels)
        handed.append(result)
        return result.quantized(255)

    stages = [Scale(48, 2, 0), Scale(48, 2, 0), Scale(96, 0, 0), Scale(96, 1, 0)]
    guides = Guides(frames[0], _halves(frames[0]))
    results = [
        _optimizer(photo, stages, starts=Starts(_pixels), handover=way).stylize(guides, None)
        for way in (None, handover)
    ]
    assert len(handed) == 2
    plain, coarse = (result.parametrization.lift(frames[0]) for result in results)
    assert 0 < (plain - coarse).abs().max() < 0.2  # eight bits are seen in what follows


def test_a_frame_too_small_for_its_layers_is_refused(frames: list[Tensor], photo: Tensor) -> None:
    tiny = frames[0][..., :9, :14]  # a level is at least four pixels high
    guides = Guides(tiny, _halves(tiny))
    with pytest.raises(
        SettingsError, match=r"^a frame of 14x9 pixels is too small for layer level4; raise schedule\.sca"
    ):
        _optimizer(photo, content_layer="level4").stylize(guides, None)
    with pytest.raises(SettingsError, match=r"too small for layers level3, level4; raise .* objective\.style\.layers$"):
        _optimizer(photo, style_layers={"level3": 1.0, "level4": 1.0}).stylize(guides, None)
    result = _optimizer(photo, style_layers={"level0": 1.0, "level4": 1.0}).stylize(guides, None)
    assert result.losses["style"] > 0


def test_a_region_takes_its_style_from_a_photograph_of_its_own(frames: list[Tensor], photo: Tensor) -> None:
    frame, masks, encoder = frames[0], _halves(frames[0]), Steerable(stride=2)
    other = photo.flip(1)  # red and blue changed over
    own = StylePhoto("own", other, _halves(other))
    recipe = Recipe(weights={"style": 1.0})
    photos = [StylePhoto("photo", photo, _halves(photo)), own]

    def losses(sources: Sequence[int], weights: Sequence[float] = (1.0, 1.0)) -> float:
        terms = FrameTerms(recipe, encoder, photos, sources, weights)
        return terms.objective(Guides(frame, masks), frame, 96)(frame).total.item()

    upper, lower = losses((0, 0), (1.0, 0.0)), losses((1, 1), (0.0, 1.0))
    assert losses((0, 1)) == pytest.approx(upper + lower, rel=1e-5)
    assert losses((0, 1)) != pytest.approx(losses((0, 0)), rel=1e-2)
    assert losses((0, 1), (2.0, 3.0)) == pytest.approx(2 * upper + 3 * lower, rel=1e-5)
