import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.errors import MediaError
from photovst.guidance.flow import MotionSource
from photovst.guidance.flow_folder import FlowFiles
from photovst.media.certainty_files import write_certainty
from photovst.media.flow_files import read_flow, write_flow
from photovst.media.flow_names import certainty_name, flow_stem
from photovst.media.kitti_flow import write_kitti_flow
from photovst.ops.certainty import forward_backward_certainty
from photovst.ops.resize import resize
from photovst.ops.warp import resize_flow

SIZE = (20, 30)
FRAME = torch.zeros(1, 3, *SIZE)


def _planes(path: Path) -> Tensor:
    return torch.from_numpy(read_flow(path)).permute(2, 0, 1)[None]


def _constant(x: float, y: float = 0.0, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.broadcast_to(np.array([x, y], np.float32), (*size, 2)).copy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Frames 1 and 2, one pixel to the right."""
    write_flow(tmp_path / "forward_1_2.flo", _constant(1))
    write_flow(tmp_path / "backward_2_1.flo", _constant(-1))
    return tmp_path


def test_names_count_from_one_and_tell_the_way() -> None:
    assert [flow_stem(0, 1), flow_stem(1, 0), flow_stem(0, 9)] == ["forward_1_2", "backward_2_1", "forward_1_10"]
    assert [certainty_name(0, 1), certainty_name(1, 0)] == ["reliable_1_2.pgm", "reliable_2_1.pgm"]


def test_the_released_program_s_folder(shared: Path) -> None:
    folder = shared / "data" / "marple8"
    files = FlowFiles(folder, (350, 450))
    assert isinstance(files, MotionSource)
    frame = torch.zeros(1, 3, 350, 450)
    pair = files.between(frame, frame, (2, 3))
    assert torch.equal(pair.to_previous, _planes(folder / "backward_4_3.flo"))
    assert torch.equal(pair.to_next, _planes(folder / "forward_3_4.flo"))
    for certainty, name in ((pair.certainty_to_previous, "4_3"), (pair.certainty_to_next, "3_4")):
        released = cv2.imread(str(folder / f"reliable_{name}.pgm"), cv2.IMREAD_UNCHANGED)
        torch.testing.assert_close(certainty[0, 0], torch.from_numpy(released) / 255)


def test_either_order_of_time(shared: Path) -> None:
    files, frame = FlowFiles(shared / "data" / "marple8", (350, 450)), torch.zeros(1, 3, 350, 450)
    onward, back = files.between(frame, frame, (2, 3)), files.between(frame, frame, (3, 2))
    for one, other in (("to_next", "to_previous"), ("to_previous", "to_next")):
        assert torch.equal(getattr(onward, one), getattr(back, other))
        assert torch.equal(getattr(onward, f"certainty_{one}"), getattr(back, f"certainty_{other}"))


def test_without_certainty_beside_them_flows_are_held_against_each_other(shared: Path, tmp_path: Path) -> None:
    for name in ("forward_1_2.flo", "backward_2_1.flo"):
        shutil.copy(shared / "data" / "marple8" / name, tmp_path)
    there, back = (_planes(tmp_path / name) for name in ("forward_1_2.flo", "backward_2_1.flo"))
    frame = torch.zeros(1, 3, 350, 450)
    for kind in ("coded", "paper"):
        pair = FlowFiles(tmp_path, (350, 450), kind).between(frame, frame, (0, 1))
        torch.testing.assert_close(pair.certainty_to_next, forward_backward_certainty(there, back, kind))
        torch.testing.assert_close(pair.certainty_to_previous, forward_backward_certainty(back, there, kind))


def test_the_working_size_takes_flow_and_certainty_along(shared: Path) -> None:
    folder, size = shared / "data" / "marple8", (140, 180)
    frame = torch.zeros(1, 3, *size)
    pair = FlowFiles(folder, (350, 450)).between(frame, frame, (0, 1))
    flow = _planes(folder / "forward_1_2.flo")
    torch.testing.assert_close(pair.to_next, resize_flow(flow, size))
    assert pair.to_next.mean() == pytest.approx(0.4 * flow.mean().item(), rel=1e-3)
    released = torch.from_numpy(cv2.imread(str(folder / "reliable_1_2.pgm"), cv2.IMREAD_UNCHANGED)).float() / 255
    torch.testing.assert_close(pair.certainty_to_next, resize(released[None, None], size))


def test_kitti_s_files_are_read_where_there_are_no_flo(folder: Path) -> None:
    expected = FlowFiles(folder, SIZE).between(FRAME, FRAME, (0, 1))
    for name, x in (("forward_1_2", 1), ("backward_2_1", -1)):
        write_kitti_flow(folder / f"{name}.png", _constant(x))
        (folder / f"{name}.flo").unlink()
    pair = FlowFiles(folder, SIZE).between(FRAME, FRAME, (0, 1))
    assert torch.equal(pair.to_next, expected.to_next)
    assert torch.equal(pair.certainty_to_previous, expected.certainty_to_previous)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.1e9, -1e10, None])
def test_an_unknown_vector_is_zero_and_not_certain(folder: Path, value: float | None) -> None:
    flow = _constant(1)
    if value is None:  # as KITTI says it
        valid = np.ones(SIZE, bool)
        valid[8, 12] = False
        (folder / "forward_1_2.flo").unlink()
        write_kitti_flow(folder / "forward_1_2.png", flow, valid)
    else:
        flow[8, 12, 1] = value
        write_flow(folder / "forward_1_2.flo", flow)
    pair = FlowFiles(folder, SIZE).between(FRAME, FRAME, (0, 1))
    assert pair.to_next[0, :, 8, 12].tolist() == [0, 0]
    assert pair.certainty_to_next[0, 0, 8, 12] == 0
    assert pair.to_next[0, :, 8, 11].tolist() == [1, 0]
    # What lands on it on the way back cannot be held against it: its neighbours on the other grid still can.
    assert pair.certainty_to_previous[0, 0, 8, 13] == 0
    assert pair.certainty_to_previous[0, 0, 16, 13] == 1
    assert pair.to_previous[0, 0, 8, 13] == -1


def test_a_file_of_certainty_does_not_make_an_unknown_vector_certain(folder: Path) -> None:
    flow = _constant(1)
    flow[8, 12] = np.nan
    write_flow(folder / "forward_1_2.flo", flow)
    write_certainty(folder / "reliable_1_2.pgm", np.ones(SIZE, np.float32))
    certainty = FlowFiles(folder, SIZE).between(FRAME, FRAME, (0, 1)).certainty_to_next
    assert certainty[0, 0, 8, 12] == 0
    assert certainty.sum() == SIZE[0] * SIZE[1] - 1


def test_what_is_resampled_from_an_unknown_vector_is_unknown(folder: Path) -> None:
    flow = _constant(1)
    flow[8, 12] = np.nan
    write_flow(folder / "forward_1_2.flo", flow)
    write_certainty(folder / "reliable_1_2.pgm", np.ones(SIZE, np.float32))
    files = FlowFiles(folder, SIZE)
    small = torch.zeros(1, 3, 10, 15)
    pair = files.between(small, small, (0, 1))
    unknown = torch.zeros(10, 15, dtype=torch.bool)
    unknown[4, 6] = True
    assert torch.equal(pair.certainty_to_next[0, 0] == 0, unknown)
    assert torch.equal(pair.to_next[0, 0], torch.where(unknown, 0.0, 0.5))
    # Twice as large, bilinear: the two pixels of the vector and one on either side.
    large = torch.zeros(1, 3, 40, 60)
    certainty = files.between(large, large, (0, 1)).certainty_to_next[0, 0]
    unknown = torch.zeros(40, 60, dtype=torch.bool)
    unknown[15:19, 23:27] = True
    assert torch.equal(certainty == 0, unknown)


def test_dtype_and_frames_further_apart(folder: Path) -> None:
    write_flow(folder / "forward_1_11.flo", _constant(5))
    write_flow(folder / "backward_11_1.flo", _constant(-5))
    pair = FlowFiles(folder, SIZE).between(FRAME.double(), FRAME.double(), (0, 10))
    assert pair.to_next.dtype == pair.certainty_to_next.dtype == torch.float64
    assert pair.to_next[0, 0].unique().tolist() == [5]


def _refused(files: FlowFiles, message: str, indices: tuple[int, int] = (0, 1)) -> None:
    with pytest.raises(MediaError, match=message) as caught:
        files.between(FRAME, FRAME, indices)
    assert "\n" not in str(caught.value)


def test_bad_files_are_refused(folder: Path) -> None:
    files = FlowFiles(folder, SIZE)
    _refused(files, r"backward_3_2\.flo does not exist, nor backward_3_2\.png: the flow from frame 3 to 2", (1, 2))
    _refused(
        FlowFiles(folder, (21, 30)), r"backward_2_1\.flo is 30x20 pixels, but the clip 30x21; give flow of the clip"
    )
    write_certainty(folder / "reliable_2_1.pgm", np.ones((20, 31), np.float32))
    _refused(files, r"reliable_2_1\.pgm is 31x20 pixels, but the clip 30x20")
    (folder / "reliable_2_1.pgm").write_bytes(b"P6")
    _refused(files, "is not a binary PGM")
    (folder / "backward_2_1.flo").write_bytes(b"nothing at all")
    _refused(files, r"backward_2_1\.flo is not a \.flo file")
    write_flow(folder / "backward_2_1.flo", _constant(0))
    data = (folder / "backward_2_1.flo").read_bytes()
    (folder / "backward_2_1.flo").write_bytes(data[:-5])
    _refused(files, "the file is damaged")
    (folder / "backward_2_1.flo").unlink()
    cv2.imwrite(str(folder / "backward_2_1.png"), np.zeros((20, 30, 3), np.uint8))
    _refused(files, "is not KITTI flow")


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(MediaError, match=f"there is no folder {path} to read flow from; set flow.folder"):
            FlowFiles(path, SIZE)
