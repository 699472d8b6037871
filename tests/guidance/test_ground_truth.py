"""Known motion: of a small Sintel tree, of its real excerpt, and of procedural scenes."""

from dataclasses import fields
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from datasets.trees import SIZE, sintel_tree
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import FlowPair, MotionSource
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.folder_motion import FolderMotion
from photovst.guidance.ground_truth import GroundTruth, ground_truth
from photovst.media.clip import open_clip
from photovst.media.flow_files import read_flow, write_flow
from photovst.media.images import read_image
from photovst.media.scene_files import write_scene
from photovst.media.scenes import Look, Scene, still
from photovst.media.tensors import to_frame
from photovst.ops.warp import warp

FRAME = torch.zeros(1, 3, *SIZE)


def _known(content: Path | str, size: tuple[int, int] = SIZE) -> GroundTruth:
    truth = ground_truth(content, size)
    assert truth is not None
    assert isinstance(truth, GroundTruth)
    assert isinstance(truth, MotionSource)
    return truth


def _pairs(truth: GroundTruth, frames: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(frames) for j in range(frames) if truth.has(i, j)]


def test_sintel_is_known_forward_only_and_its_way_back_is_not_made_up(tmp_path: Path) -> None:
    truth = _known(sintel_tree(tmp_path, known=(2, 3)))
    assert truth.name == "MPI-Sintel"
    assert truth.note == "ground truth of MPI-Sintel for 2 of 3 pairs of neighboring frames, forward in time only"
    assert _pairs(truth, 5) == [(1, 2), (2, 3)]
    assert not truth.has(-1, 0)
    assert not truth.has_back(1, 2)
    pair = truth.between(FRAME, FRAME, (1, 2))
    # Two to the right: the last two columns leave the picture; a square is occluded, a stripe invalid.
    expected = torch.ones(SIZE)
    expected[:, -2:] = 0
    expected[4:8, 4:8] = 0
    expected[12:14, 4:8] = 0
    assert torch.equal(pair.certainty_to_next[0, 0], expected)
    assert pair.to_next[0, :, 0, 0].tolist() == [2, 0]
    assert pair.to_next[0, :, 12, 4].tolist() == [0, 0]  # not known
    assert pair.to_next[0, :, 4, 4].tolist() == [2, 0]  # known, and hidden
    assert not pair.to_previous.any()
    assert not pair.certainty_to_previous.any()


def test_sintel_from_the_later_frame_to_the_earlier_has_only_the_way_back(tmp_path: Path) -> None:
    truth = _known(sintel_tree(tmp_path))
    assert (truth.has(2, 1), truth.has_back(2, 1)) == (False, True)
    onward, turned = truth.between(FRAME, FRAME, (1, 2)), truth.between(FRAME, FRAME, (2, 1))
    assert torch.equal(turned.to_previous, onward.to_next)
    assert torch.equal(turned.certainty_to_previous, onward.certainty_to_next)
    assert not turned.certainty_to_next.any()


def test_frames_are_known_by_name(tmp_path: Path) -> None:
    frames = sintel_tree(tmp_path, frames=12, known=(3, 4, 9, 10))
    assert _pairs(_known(frames), 12) == [(2, 3), (3, 4), (8, 9), (9, 10)]
    # Of a clip that begins at frame 3, at frame 10, and one that leaves frames out.
    assert _pairs(_known(str(frames / "frame_000[345].png")), 3) == [(0, 1), (1, 2)]
    assert _pairs(_known(frames / "frame_001?.png"), 3) == [(0, 1)]
    gaps = ground_truth(frames / "frame_00*[0379].png", SIZE)  # 3 7 9 10
    assert gaps is not None
    assert _pairs(gaps, 4) == [(2, 3)]
    assert ground_truth(frames / "frame_00*[1357].png", SIZE) is None
    # In the order in which the clip is read.
    pattern = frames / "frame_00*[0379].png"
    clip = [frame.image for frame in open_clip(pattern)]
    for image, number in zip(clip, (3, 7, 9, 10), strict=True):
        np.testing.assert_array_equal(image, read_image(frames / f"frame_{number:04d}.png"))


def test_clips_elsewhere_have_none(tmp_path: Path) -> None:
    frames = sintel_tree(tmp_path / "sintel", known=(2,))
    (frames.parent / "alley_2").mkdir()
    both = sintel_tree(tmp_path / "sintel", "cave_2")
    (tmp_path / "clip.mp4").touch()
    copied = tmp_path / "copied"
    copied.mkdir()
    for path in both.iterdir():
        (copied / path.name).write_bytes(path.read_bytes())
    odd = sintel_tree(tmp_path / "odd")
    (odd / "frame_0004.png").rename(odd / "last.png")
    for content in (
        tmp_path / "clip.mp4",
        tmp_path / "absent",
        tmp_path / "no*.png",
        copied,
        frames / "frame_0001.png",
        frames.parent / "*" / "frame_000[12].png",  # of two sequences
        frames.parent / "alley_2",
        odd,
    ):
        assert ground_truth(content, SIZE) is None


def test_a_folder_may_be_reached_by_a_link_or_by_dots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = sintel_tree(tmp_path / "sintel")
    (tmp_path / "link").symlink_to(frames)
    monkeypatch.chdir(frames)
    for content in (tmp_path / "link", Path("../alley_1"), Path("."), "*.png", "../alley_1/frame_*.png"):
        assert _pairs(_known(content), 4) == [(0, 1), (1, 2), (2, 3)]


def test_a_smaller_size_takes_flow_and_certainty_along(tmp_path: Path) -> None:
    truth, small = _known(sintel_tree(tmp_path)), torch.zeros(1, 3, 12, 16)
    pair = truth.between(small, small, (0, 1))
    assert pair.to_next[0, :, 0, 0].tolist() == [1, 0]
    assert pair.certainty_to_next[0, 0, 2:4, 2:4].sum() == 0
    assert pair.certainty_to_next[0, 0, 0].tolist() == [1.0] * 15 + [0.0]
    assert pair.to_next[0, :, 6, 2].tolist() == [0, 0]
    double = truth.between(small.double(), small.double(), (0, 1))
    assert {getattr(double, each.name).dtype for each in fields(FlowPair)} == {torch.float64}


def test_an_unknown_vector_is_zero_and_not_certain(tmp_path: Path) -> None:
    frames = sintel_tree(tmp_path)
    path = tmp_path / "training" / "flow" / "alley_1" / "frame_0001.flo"
    flow = read_flow(path)
    flow[20, 20], flow[20, 22] = np.nan, 1e10
    write_flow(path, flow)
    pair = _known(frames).between(FRAME, FRAME, (0, 1))
    assert not pair.to_next[0, :, 20, [20, 22]].any()
    assert pair.certainty_to_next[0, 0, 20, 20:23].tolist() == [0, 1, 0]


@pytest.mark.parametrize("clip", ["alley_1", "cave_2", "market_5"])
def test_the_real_motion_lays_frame_3_on_frame_2(shared: Path, clip: str) -> None:
    folder = shared / "data" / "sintel" / "training" / "clean" / clip
    truth = _known(folder, (436, 1024))
    assert _pairs(truth, 4) == [(1, 2)]
    assert "1 of 3 pairs" in truth.note
    second, third = (to_frame(read_image(folder / f"frame_000{n}.png")) for n in (2, 3))
    pair = truth.between(second, third, (1, 2))
    oracle = cv2.readOpticalFlow(str(folder.parents[1] / "flow" / clip / "frame_0002.flo"))
    known = pair.certainty_to_next[0, 0] > 0
    assert torch.equal(pair.to_next[0].permute(1, 2, 0)[known], torch.from_numpy(oracle)[known])

    def error(flow: Tensor, certainty: Tensor) -> float:
        difference = ((warp(third, flow) - second) ** 2).mean(1, keepdim=True)
        return float((difference * certainty).sum() / certainty.sum())

    ones = torch.ones_like(pair.certainty_to_next)
    right = error(pair.to_next, pair.certainty_to_next)
    assert right < 0.5 * error(pair.to_next, ones)
    assert right < 0.1 * error(pair.to_next, 1 - pair.certainty_to_next)
    assert right < 0.2 * error(torch.zeros_like(pair.to_next), pair.certainty_to_next)
    assert right < 0.2 * error(-pair.to_next, pair.certainty_to_next)
    assert 0.8 < pair.certainty_to_next.mean() < 0.99


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "scene"
    write_scene(folder, Scene(3, Look.day, (32, 48), 6), still(Look.sunset, 11, (32, 48)), (1, 3), {"seed": 3})
    return folder


def _same(one: FlowPair, other: FlowPair) -> bool:
    return all(torch.equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(FlowPair))


def test_scenes_are_known_both_ways_as_their_files_say(scene: Path) -> None:
    truth, files = _known(scene / "frames", (32, 48)), FlowFiles(scene / "flow", (32, 48))
    assert truth.name == "procedural scene"
    near = {(i, j) for i in range(6) for j in range(6) if abs(i - j) in (1, 3)}
    assert set(_pairs(truth, 6)) == near
    assert all(truth.has_back(*pair) for pair in near)
    frame = torch.zeros(1, 3, 32, 48)
    for indices in ((0, 1), (4, 5), (1, 4), (3, 2)):
        assert _same(truth.between(frame, frame, indices), files.between(frame, frame, indices))
    assert truth.between(frame, frame, (0, 1)).certainty_to_previous.mean() > 0.5
    # A clip that begins at the third frame.
    part = _known(scene / "frames" / "000[3-6].png", (32, 48))
    assert _same(part.between(frame, frame, (0, 1)), files.between(frame, frame, (2, 3)))
    assert not part.has(3, 4)


def test_other_folders_of_frames_are_no_scenes(scene: Path, tmp_path: Path) -> None:
    assert ground_truth(scene, (32, 48)) is None
    assert ground_truth(scene / "photo.png", (32, 48)) is None
    assert ground_truth(scene / "labels", (32, 48)) is None
    for name in ("frames", "flow"):
        (tmp_path / name).symlink_to(scene / name)
    assert _known(tmp_path / "frames", (32, 48)).name == "procedural scene"  # by the link's end
    copied = tmp_path / "copied" / "frames"
    copied.mkdir(parents=True)
    (copied / "0001.png").write_bytes((scene / "frames" / "0001.png").read_bytes())
    assert ground_truth(copied, (32, 48)) is None


def test_a_folder_of_flow_files_has_what_is_there_both_ways(shared: Path, tmp_path: Path) -> None:
    files = FlowFiles(shared / "data" / "marple8", (350, 450))
    truth = FolderMotion(files)
    assert isinstance(truth, GroundTruth)
    assert truth.note == f"flow files of {files.folder}"
    assert _pairs(truth, 6) == [(i, j) for i in range(5) for j in range(5) if abs(i - j) == 1]
    assert not truth.has(-1, 0)
    write_flow(tmp_path / "forward_1_2.flo", np.zeros((8, 8, 2), np.float32))
    assert not FolderMotion(FlowFiles(tmp_path, (8, 8))).has(0, 1)


def test_errors(tmp_path: Path) -> None:
    frames = sintel_tree(tmp_path, known=(1, 2))
    truth = _known(frames)
    with pytest.raises(MediaError, match=r"^MPI-Sintel has no flow between frames 3 and 4 of the clip; use another$"):
        truth.between(FRAME, FRAME, (2, 3))
    with pytest.raises(MediaError, match=r"has no flow between frames 1 and 3"):
        truth.between(FRAME, FRAME, (0, 2))
    with pytest.raises(MediaError, match=r"frame_0001\.flo is 32x24 pixels, but the clip 33x24; give the frames of"):
        _known(frames, (24, 33)).between(FRAME, FRAME, (0, 1))
    cv2.imwrite(str(tmp_path / "training" / "invalid" / "alley_1" / "frame_0001.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(MediaError, match=r"invalid/alley_1/frame_0001\.png is 8x8 pixels, but the clip 32x24"):
        truth.between(FRAME, FRAME, (0, 1))
    (tmp_path / "training" / "flow" / "alley_1" / "frame_0002.flo").write_bytes(b"PIEH")
    with pytest.raises(MediaError, match=r"frame_0002\.flo is cut off after 4 bytes"):
        truth.between(FRAME, FRAME, (1, 2))
    part = FolderMotion(FlowFiles(tmp_path, SIZE), frames=(4, 5))
    with pytest.raises(MediaError, match=r"^the clip has no flow between its frames 1 and 2; use another$"):
        part.between(FRAME, FRAME, (1, 2))
