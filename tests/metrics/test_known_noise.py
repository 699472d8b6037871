"""``e_stab`` and ``e_warp`` of a procedural clip with noise of known strength are what the noise makes them."""

import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.media.scenes import Look, Scene
from photovst.metrics.temporal import e_stab, stability_error, warp_error
from photovst.types import Size

SIGMA = 0.05
SIZE: Size = (180, 320)
PAIRS = 4


@pytest.fixture(scope="module")
def clip() -> tuple[Tensor, Tensor, Tensor]:
    """Frames, exact flow to the previous frame, and 1 where that shows the same surface."""
    scene = Scene(3, Look.day, SIZE, frames=PAIRS + 1)
    frames = torch.from_numpy(np.stack([scene.frame(t) for t in range(PAIRS + 1)])).permute(0, 3, 1, 2).double() / 255
    later = range(1, PAIRS + 1)
    flow = torch.from_numpy(np.stack([scene.flow_to_previous(t) for t in later])).permute(0, 3, 1, 2).double()
    seen = torch.from_numpy(~np.stack([scene.occlusion_to_previous(t) for t in later]))[:, None].double()
    return frames, flow, seen


def _gain(flow: Tensor) -> np.ndarray:
    """Variance of the difference of two frames of unit noise, the earlier one looked up bilinearly.

    A lookup between four pixels of weights w_i averages their noise: its variance is the sum of the w_i^2.
    """
    height, width = SIZE
    y, x = np.mgrid[:height, :width]
    across = np.clip(x + flow[:, 0].numpy(), 0, width - 1) % 1
    down = np.clip(y + flow[:, 1].numpy(), 0, height - 1) % 1
    squares = (across**2 + (1 - across) ** 2) * (down**2 + (1 - down) ** 2)
    return 1 + squares


def test_e_stab_of_known_noise(clip: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, flow, seen = clip
    clean = stability_error(frames[1:], frames[:-1], flow, seen).numpy()
    expected = np.sqrt((clean + SIGMA**2 * (seen[:, 0].numpy() * _gain(flow)).mean(axis=(1, 2))).mean())
    # The flow has fractions of a pixel: twice the variance would be wrong.
    without_weights = np.sqrt((clean + 2 * SIGMA**2 * seen.numpy().mean(axis=(1, 2, 3))).mean())
    assert without_weights > 1.03 * expected
    noisy = frames + SIGMA * torch.randn_like(frames)
    measured = e_stab(noisy[1:], noisy[:-1], flow, seen).item()
    assert measured == pytest.approx(expected, rel=0.01)
    single = [each.float() for each in (noisy[1:], noisy[:-1], flow, seen)]
    assert e_stab(*single).item() == pytest.approx(measured, rel=1e-4)


def test_e_warp_of_known_noise(clip: tuple[Tensor, Tensor, Tensor]) -> None:
    # The same pairs, looked at from the later frame: only what is divided by differs.
    frames, flow, seen = clip
    clean = warp_error(frames[1:], frames[:-1], flow, seen).numpy()
    share = (seen[:, 0].numpy() * _gain(flow)).sum(axis=(1, 2)) / seen.numpy().sum(axis=(1, 2, 3))
    noisy = frames + SIGMA * torch.randn_like(frames)
    measured = warp_error(noisy[1:], noisy[:-1], flow, seen).numpy()
    np.testing.assert_allclose(measured, clean + SIGMA**2 * share, rtol=0.02)


def test_exact_flow_explains_the_clip(clip: tuple[Tensor, Tensor, Tensor]) -> None:
    frames, flow, seen = clip
    exact = e_stab(frames[1:], frames[:-1], flow, seen).item()
    assert exact < 0.02
    assert e_stab(frames[1:], frames[:-1], 0 * flow, seen).item() > 1.5 * exact
