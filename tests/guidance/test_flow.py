"""What every estimator that looks at luma must do, and pairs of flows."""

from pathlib import Path

import cv2
import pytest
import torch

from photovst.errors import MediaError, SettingsError
from photovst.guidance.deepflow import DeepFlow
from photovst.guidance.dis import Dis
from photovst.guidance.farneback import Farneback
from photovst.guidance.flow import FlowEstimator, flow_pair
from photovst.media.flow_files import read_flow
from photovst.media.scenes import Look, Scene
from photovst.media.tensors import to_frame
from photovst.ops.resize import fit_long_side, resize
from photovst.ops.warp import inside, resize_flow, warp

from .textures import read_frame, shifted_pair, texture

NO_CONTRIB = "OpenCV's contributed modules are not installed"
DEEPFLOW = pytest.param(DeepFlow, marks=pytest.mark.skipif(not hasattr(cv2, "optflow"), reason=NO_CONTRIB))
every_estimator = pytest.mark.parametrize("kind", [Dis, Farneback, DEEPFLOW])


@every_estimator
def test_direction_and_sign(kind: type[FlowEstimator]) -> None:
    first, second = shifted_pair(right=3, down=-1)
    flow = kind()(first, second)
    inner = flow[0, :, 8:-8, 8:-8].flatten(1)
    torch.testing.assert_close(inner.median(dim=1).values, torch.tensor([3.0, -1.0]), rtol=0, atol=0.08)
    assert (inner - torch.tensor([[3.0], [-1.0]])).norm(dim=0).mean() < 0.15
    error = (warp(second, flow) - first).abs() * inside(flow)
    assert error.mean() < 0.2 * (second - first).abs().mean()


@every_estimator
def test_a_scene_of_layers(kind: type[FlowEstimator]) -> None:
    scene = Scene(3, Look.day, (90, 160), 2, camera_speed=0.03)
    truth = torch.from_numpy(scene.flow_to_next(0)).permute(2, 0, 1)[None]
    seen = ~torch.from_numpy(scene.occlusion_to_next(0))
    flow = kind()(to_frame(scene.frame(0)), to_frame(scene.frame(1)))
    error = (flow - truth).norm(dim=1)[0][seen].mean()
    assert error < {Dis: 0.25, Farneback: 0.4, DeepFlow: 0.25}[kind]
    assert error < 0.5 * truth.norm(dim=1)[0][seen].mean()


@every_estimator
def test_nothing_moves_between_a_frame_and_itself(kind: type[FlowEstimator]) -> None:
    frame = texture(40, 60)
    assert kind()(frame, frame).abs().max() < (0.1 if kind is Farneback else 1e-3)  # at its border
    black = torch.zeros(1, 3, 40, 60)
    assert kind()(black, black).abs().max() < 1e-3
    pair = flow_pair(kind(), frame, frame)
    assert (pair.certainty_to_next > 0.5).float().mean() > (0.9 if kind is Farneback else 0.999)


@every_estimator
@pytest.mark.parametrize("size", [(1, 1), (1, 200), (8, 100), (100, 8), (11, 11), (16, 16), (33, 17)])
def test_small_and_odd_sizes(kind: type[FlowEstimator], size: tuple[int, int]) -> None:
    frame = texture(*size) if min(size) > 1 else torch.rand(1, 3, *size)
    flow = kind()(frame, frame)
    assert flow.shape == (1, 2, *size)
    assert flow.abs().max() < (0.5 if kind is Farneback else 0.01)  # thinner than its window, all is border


@every_estimator
def test_batch_dtype_and_empty_batch(kind: type[FlowEstimator]) -> None:
    a, b = texture(30, 40), texture(31, 40)[..., 1:, :]
    estimator = kind()
    both = estimator(torch.cat([a, b]), torch.cat([b, a]))
    assert torch.equal(both[:1], estimator(a, b))
    assert torch.equal(both[1:], estimator(b, a))
    assert estimator(a.double(), b.double()).dtype == torch.float64
    assert estimator(a[:0], b[:0]).shape == (0, 2, 30, 40)


@every_estimator
@pytest.mark.usefixtures("shapes_unchecked")
def test_frames_that_do_not_fit_are_refused(kind: type[FlowEstimator]) -> None:
    estimator, frame = kind(), torch.rand(1, 3, 20, 30)
    with pytest.raises(MediaError, match=r"first frame is \(1, 3, 20, 30\) but the second \(1, 3, 20, 31\)"):
        estimator(frame, torch.rand(1, 3, 20, 31))
    with pytest.raises(MediaError, match="frames of 0x30 pixels have no motion"):
        estimator(frame[..., :0, :], frame[..., :0, :])
    with pytest.raises(MediaError, match="not finite numbers"):
        estimator(frame, frame * float("nan"))


def test_names_differ() -> None:
    names = [Dis().name, Dis(1).name, Farneback().name, DeepFlow.name]
    assert len(set(names)) == len(names)


def test_pair_lives_on_the_right_grids_and_is_certain() -> None:
    previous, current = shifted_pair(right=3, down=0)
    pair = flow_pair(Dis(), previous, current)
    assert torch.equal(pair.to_next, Dis()(previous, current))
    assert torch.equal(pair.to_previous, Dis()(current, previous))
    assert pair.to_next[0, 0, 20:40, 20:60].mean() == pytest.approx(3, abs=0.05)
    assert pair.to_previous[0, 0, 20:40, 20:60].mean() == pytest.approx(-3, abs=0.05)
    # Each looks outside on the side the picture leaves by, and is certain elsewhere.
    assert pair.certainty_to_next[..., 8:-8].mean() > 0.97
    assert pair.certainty_to_next[..., -2:].mean() < 0.2
    assert pair.certainty_to_previous[..., :2].mean() < 0.2
    binary = flow_pair(Dis(), previous, current, "paper").certainty_to_next
    assert set(binary.unique().tolist()) == {0.0, 1.0}


@pytest.mark.usefixtures("shapes_unchecked")
def test_an_unknown_certainty_is_refused() -> None:
    frame = texture(20, 30)
    with pytest.raises(SettingsError, match="unknown certainty 'code'; did you mean 'coded'"):
        flow_pair(Dis(), frame, frame, "code")


@pytest.mark.parametrize(
    ("kind", "scene", "limit"),
    [
        *((Dis, "alley_1", 0.12), (Dis, "cave_2", 0.35), (Dis, "market_5", 4.0)),
        *((Farneback, "alley_1", 0.25), (Farneback, "cave_2", 0.8), (Farneback, "market_5", 5.6)),
    ],
)
def test_end_point_error_on_sintel(shared: Path, kind: type[FlowEstimator], scene: str, limit: float) -> None:
    folder = shared / "data" / "sintel" / "training"
    truth = torch.from_numpy(read_flow(folder / "flow" / scene / "frame_0002.flo")).permute(2, 0, 1)[None]
    size = fit_long_side((truth.shape[2], truth.shape[3]), 320)
    first, second = (resize(read_frame(folder / "clean" / scene / f"frame_000{i}.png"), size) for i in (2, 3))
    truth = resize_flow(truth, size)
    pair = flow_pair(kind(), first, second)
    error, weight = (pair.to_next - truth).norm(dim=1), pair.certainty_to_next[:, 0]
    certain_error = (error * weight).sum() / weight.sum()
    assert certain_error < limit
    # Certainty knows where the flow fails, and keeps enough to go by.
    assert certain_error < (0.9 if kind is Farneback else 0.75) * error.mean()
    assert weight.mean() > 0.4
