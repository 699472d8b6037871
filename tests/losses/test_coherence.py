import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from photovst.losses.coherence import CoherenceTerm, FeatureDifferenceTerm, stillness

KINDS = ["mse", "enhanced", "flow", "difference"]


def _pictures(count: int, height: int = 4, width: int = 5) -> Tensor:
    return torch.rand(count, 1, 3, height, width, dtype=torch.float64)


def _term(kind, before: Tensor, frame_before: Tensor, frame: Tensor, **more: float) -> CoherenceTerm:
    return CoherenceTerm(kind, before, frame_before, frame, before if kind == "flow" else None, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_a_static_clip_costs_nothing(kind) -> None:
    before, frame = _pictures(2).float()
    assert _term(kind, before, frame, frame)(before, {}).item() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_formulas_as_printed(kind) -> None:
    x, before, frame_before, frame, pushed = _pictures(5)
    mse = functional.mse_loss
    changes = mse(x - before, frame - frame_before).item()
    a = mse(frame, frame_before).item()
    expected = {
        "mse": mse(x, before).item(),
        "difference": changes,
        "enhanced": math.tanh(math.exp(-a)) * mse(x, before).item() + changes,
        "flow": mse(x, pushed).item(),
    }
    term = CoherenceTerm(kind, before, frame_before, frame, pushed if kind == "flow" else None, content_scale=1.0)
    assert term(x, {}).item() == pytest.approx(expected[kind])


def test_difference_lets_the_light_change_with_the_frames() -> None:
    before, frame_before = _pictures(2)
    term = CoherenceTerm("difference", before, frame_before, frame_before + 0.1)
    assert term(before + 0.1, {}).item() == pytest.approx(0, abs=1e-20)
    assert term(before, {}).item() == pytest.approx(0.01)


def test_the_scale_of_contents_decides_how_soon_enhanced_lets_go() -> None:
    before, frame = _pictures(2)
    x = before + 0.2
    for levels, f in ((0, 0.7616), (1, 0.35214), (2, 0.0183), (6, 0.0)):
        change = levels / 255
        term = CoherenceTerm("enhanced", before, frame, frame + change)
        assert term(x, {}).item() == pytest.approx(f * 0.04 + (0.2 - change) ** 2, abs=1e-5)
    # On values from 0 to 1 the largest change there is still leaves f at .35.
    black = torch.zeros_like(frame)
    unit = CoherenceTerm("enhanced", before, black, black + 1, content_scale=1.0)
    assert unit(before + 1, {}).item() == pytest.approx(0.35214, abs=1e-4)
    assert stillness(torch.tensor(0.0)).item() == pytest.approx(math.tanh(1))


@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck_and_no_gradient_into_the_targets(kind) -> None:
    fixed = [picture.clone().requires_grad_() for picture in _pictures(3, 3, 4)]
    term = _term(kind, *fixed, content_scale=1.0)
    image = _pictures(1, 3, 4)[0].requires_grad_()
    assert torch.autograd.gradcheck(lambda i: term(i, {}), image)
    term(image, {}).backward()
    assert all(picture.grad is None for picture in fixed)


def _features(*sizes: tuple[int, int, int]) -> dict[str, Tensor]:
    return {f"layer{i}": torch.rand(1, *size, dtype=torch.float64) for i, size in enumerate(sizes)}


def test_features_in_closed_form_and_as_printed() -> None:
    sizes = (2, 4, 6), (5, 2, 3)
    before, frame_before, frame, x = (_features(*sizes) for _ in range(4))
    image = torch.zeros(1, 3, 4, 6)
    term = FeatureDifferenceTerm(before, frame_before, frame)
    expected = [functional.l1_loss(x[name] - before[name], frame[name] - frame_before[name]).item() for name in before]
    assert term(image, x).item() == pytest.approx(sum(expected) / 2)
    # Layers of any size count alike, and those that are not held do not count.
    moved = {name: before[name] + frame[name] - frame_before[name] for name in before}
    moved["layer0"] = moved["layer0"] + 0.3
    assert term(image, moved | {"other": image}).item() == pytest.approx(0.15)
    still = FeatureDifferenceTerm(before, frame, frame)
    assert still(image, before).item() == 0


def test_gradcheck_of_features() -> None:
    before, frame_before, frame = (_features((2, 3, 4)) for _ in range(3))
    before["layer0"].requires_grad_()
    term = FeatureDifferenceTerm(before, frame_before, frame)
    x = _features((2, 3, 4))["layer0"].requires_grad_()
    assert torch.autograd.gradcheck(lambda f: term(torch.zeros(1, 3, 3, 4), {"layer0": f}), x)
    term(torch.zeros(1, 3, 3, 4), {"layer0": x}).backward()
    assert before["layer0"].grad is None


@pytest.mark.usefixtures("shapes_unchecked")
def test_errors() -> None:
    x, small = torch.rand(1, 3, 4, 5), torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match="the coherence is 'naive'; choose mse, enhanced, flow or difference"):
        CoherenceTerm("naive", x, x, x)
    with pytest.raises(ValueError, match=r"are \(4, 5\), \(4, 4\), \(4, 5\); give all at one size"):
        CoherenceTerm("mse", x, small, x)
    with pytest.raises(ValueError, match=r"\(4, 4\); give all at one size"):
        CoherenceTerm("flow", x, x, x, small)
    with pytest.raises(ValueError, match="coherence flow needs a prediction; push the output before along"):
        CoherenceTerm("flow", x, x, x)
    with pytest.raises(ValueError, match="coherence mse takes no prediction; only flow is held to one"):
        CoherenceTerm("mse", x, x, x, x)
    with pytest.raises(ValueError, match=r"content scale of coherence is 0\.0; give a number above 0"):
        CoherenceTerm("mse", x, x, x, content_scale=0.0)
    with pytest.raises(ValueError, match="the layers to compare are a; a, b; a; encode all three pictures with one"):
        FeatureDifferenceTerm({"a": x}, {"a": x, "b": x}, {"a": x})
    with pytest.raises(ValueError, match="the layers to compare are none; none; none; encode all three"):
        FeatureDifferenceTerm({}, {}, {})
    with pytest.raises(ValueError, match=r"layer a is .*\(1, 3, 4, 4\).*; give all three pictures at one size"):
        FeatureDifferenceTerm({"a": x}, {"a": x}, {"a": small})
