import inspect
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

from photovst.errors import MediaError, SettingsError
from photovst.guidance import flow as module
from photovst.media.flow_files import read_flow
from photovst.ops.resize import fit_long_side, resize
from photovst.ops.warp import inside, resize_flow, warp

dis_flow = jaxtyped(typechecker=beartype)(module.dis_flow)
flow_pair = jaxtyped(typechecker=beartype)(module.flow_pair)


def _texture(height: int, width: int) -> Tensor:
    """Smooth noise that DIS can follow."""
    noise = np.random.default_rng(0).random((height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return torch.from_numpy(smooth).permute(2, 0, 1)[None]


def _frame(path: Path) -> Tensor:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def test_direction_and_sign() -> None:
    wide = _texture(70, 90)
    # What is at x in the first frame is at x + 3 in the second, and one row higher.
    first, second = wide[..., 5:65, 5:85], wide[..., 6:66, 2:82]
    flow = dis_flow(first, second)
    inner = flow[0, :, 8:-8, 8:-8].flatten(1)
    torch.testing.assert_close(inner.median(dim=1).values, torch.tensor([3.0, -1.0]), rtol=0, atol=0.02)
    error = (warp(second, flow) - first).abs() * inside(flow)
    assert error.mean() < 0.2 * (second - first).abs().mean()


def test_pair_lives_on_the_right_grids_and_is_certain() -> None:
    wide = _texture(70, 90)
    previous, current = wide[..., 5:65, 5:85], wide[..., 5:65, 2:82]
    pair = flow_pair(previous, current)
    assert torch.equal(pair.to_next, dis_flow(previous, current))
    assert torch.equal(pair.to_previous, dis_flow(current, previous))
    assert pair.to_next[0, 0, 20:40, 20:60].mean() == pytest.approx(3, abs=0.05)
    assert pair.to_previous[0, 0, 20:40, 20:60].mean() == pytest.approx(-3, abs=0.05)
    # Each looks outside on the side the picture leaves by, and is certain elsewhere.
    assert pair.certainty_to_next[..., 8:-8].mean() > 0.97
    assert pair.certainty_to_next[..., -2:].mean() < 0.2
    assert pair.certainty_to_previous[..., :2].mean() < 0.2
    binary = flow_pair(previous, current, "paper").certainty_to_next
    assert set(binary.unique().tolist()) == {0.0, 1.0}


def test_a_still_pair_does_not_move() -> None:
    frame = _texture(40, 60)
    pair = flow_pair(frame, frame)
    assert pair.to_next.abs().max() < 1e-3
    assert (pair.certainty_to_next == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (8, 100), (100, 8), (11, 11), (16, 16), (33, 17)])
@pytest.mark.parametrize("scale", [0, 1, 3])
def test_small_and_odd_sizes(size: tuple[int, int], scale: int) -> None:
    frame = _texture(*size) if min(size) > 1 else torch.rand(1, 3, *size)
    flow = dis_flow(frame, frame, scale)
    assert flow.shape == (1, 2, *size)
    assert flow.abs().max() < 0.01


def test_batch_dtype_and_empty_batch() -> None:
    a, b = _texture(30, 40), _texture(31, 40)[..., 1:, :]
    both = dis_flow(torch.cat([a, b]), torch.cat([b, a]))
    assert torch.equal(both[:1], dis_flow(a, b))
    assert torch.equal(both[1:], dis_flow(b, a))
    assert dis_flow(a.double(), b.double()).dtype == torch.float64
    assert dis_flow(a[:0], b[:0]).shape == (0, 2, 30, 40)


def test_threads_do_not_change_a_bit() -> None:
    a, b = _texture(180, 320), _texture(184, 330)[..., 4:, 10:]
    threads = cv2.getNumThreads()
    try:
        flows = []
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            flows.append(dis_flow(a, b))
    finally:
        cv2.setNumThreads(threads)
    assert torch.equal(flows[0], flows[1])
    assert torch.equal(flows[0], flows[2])


@pytest.mark.parametrize(("scene", "limit"), [("alley_1", 0.12), ("cave_2", 0.35), ("market_5", 4.0)])
def test_end_point_error_on_sintel(shared: Path, scene: str, limit: float) -> None:
    folder = shared / "data" / "sintel" / "training"
    truth = torch.from_numpy(read_flow(folder / "flow" / scene / "frame_0002.flo")).permute(2, 0, 1)[None]
    size = fit_long_side((truth.shape[2], truth.shape[3]), 320)
    first, second = (resize(_frame(folder / "clean" / scene / f"frame_000{i}.png"), size) for i in (2, 3))
    truth = resize_flow(truth, size)
    pair = flow_pair(first, second)
    error, weight = (pair.to_next - truth).norm(dim=1), pair.certainty_to_next[:, 0]
    certain_error = (error * weight).sum() / weight.sum()
    assert certain_error < limit
    # Certainty knows where the flow fails, and keeps enough to go by.
    assert certain_error < 0.75 * error.mean()
    assert weight.mean() > 0.4


def test_errors() -> None:
    plain = inspect.unwrap(module.dis_flow)
    frame = torch.rand(1, 3, 20, 30)
    with pytest.raises(MediaError, match=r"first frame is \(1, 3, 20, 30\) but the second \(1, 3, 20, 31\)"):
        plain(frame, torch.rand(1, 3, 20, 31))
    with pytest.raises(SettingsError, match=r"finest scale of DIS flow is 4; give 0 \(full detail\) to 3"):
        plain(frame, frame, 4)
    with pytest.raises(MediaError, match="frames of 0x30 pixels have no motion"):
        plain(frame[..., :0, :], frame[..., :0, :])
    with pytest.raises(MediaError, match="not finite numbers"):
        plain(frame, frame * float("nan"))
