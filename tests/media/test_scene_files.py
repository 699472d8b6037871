"""A scene on disk: what is read back warps frame onto frame, exactly as the names of the files say."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError, SettingsError
from photovst.guidance.label_masks import LabelMasks
from photovst.media.flow_files import read_flow
from photovst.media.images import read_image
from photovst.media.scene_files import write_scene
from photovst.media.scenes import LABELS, Look, Scene, still

# From frame 0 to frame 10 every layer moves by a whole number of pixels, 100 times its parallax.
WHOLE = Scene(3, Look.day, (64, 200), 11, camera_speed=10 / 64, cloud_speed=0, with_objects=False)
SMOOTH = Scene(3, Look.day, (64, 120), 12)
PHOTO = still(Look.sunset, 11, (64, 120))


def looked_up(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes") / "smooth"
    write_scene(folder, SMOOTH, PHOTO, (10, 1, 40), {"seed": 3})
    return folder


def test_frame_j_along_the_written_flow_is_frame_i_where_reliable(written: Path) -> None:
    for i, j in ((2, 3), (1, 11), (2, 12)):
        for a, b, name in ((i, j, f"forward_{i}_{j}"), (j, i, f"backward_{j}_{i}")):
            flow = read_flow(written / "flow" / f"{name}.flo")
            reliable = cv2.imread(str(written / "flow" / f"reliable_{a}_{b}.pgm"), cv2.IMREAD_UNCHANGED) == 255
            there, here = (read_image(written / "frames" / f"{number:04d}.png").astype(np.float32) for number in (b, a))
            error = np.abs(looked_up(there, flow) - here)[reliable].mean()
            wrong = np.abs(looked_up(there, -flow) - here)[reliable].mean()
            assert error < 2.0  # two resamplings of the textures
            assert wrong > 2 * error
            assert 0 < 1 - reliable.mean() < 0.35


def test_files_are_the_pairs_within_the_clip_and_no_more(written: Path) -> None:
    pairs = [(i, i + 1) for i in range(1, 12)] + [(1, 11), (2, 12)]  # 40 is longer than the clip
    expected = {f"{kind}_{i}_{j}.{end}" for i, j in pairs for kind, end in (("forward", "flo"), ("reliable", "pgm"))}
    expected |= {f"{kind}_{j}_{i}.{end}" for i, j in pairs for kind, end in (("backward", "flo"), ("reliable", "pgm"))}
    assert {path.name for path in (written / "flow").iterdir()} == expected
    assert sorted(path.name for path in (written / "frames").iterdir()) == [f"{n:04d}.png" for n in range(1, 13)]
    values = np.unique(cv2.imread(str(written / "flow" / "reliable_1_11.pgm"), cv2.IMREAD_UNCHANGED))
    assert values.tolist() == [0, 255]
    for name, count in (("labels", 12), ("photo_labels", 1)):
        assert len(list((written / name).iterdir())) == count + 1
    assert (written / "scene.json").read_text() == '{\n "seed": 3\n}\n'


def test_labels_read_as_masks_are_those_of_the_scene(written: Path) -> None:
    masks = LabelMasks.open(written / "labels", written / "photo_labels" / "photo.png")
    assert len(masks.content.files) == SMOOTH.frames
    assert masks.check_sizes(SMOOTH.size, PHOTO.size) == []
    for planes, labels in (
        *((masks.frame(t, SMOOTH.size), SMOOTH.labels(t)) for t in (0, 5, 11)),
        (masks.photo(), PHOTO.labels(0)),
    ):
        there = {LABELS[index] for index in np.unique(labels)}
        assert len(there) > 4
        for name, plane in zip(masks.classes, planes[0].numpy(), strict=True):
            np.testing.assert_array_equal(plane, labels == LABELS.index(name))
        assert there <= set(masks.classes)


def test_labels_are_the_same_bytes_each_time(written: Path, tmp_path: Path) -> None:
    write_scene(tmp_path / "again", SMOOTH, PHOTO, (1,), {})
    for name in ("labels/000011.png", "photo_labels/photo.png", "labels/labels.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (written / name).read_bytes()


@pytest.mark.parametrize(("t", "other"), [(0, 10), (10, 0)])
def test_whole_pixels_far_apart_are_the_very_same(t: int, other: int) -> None:
    flow, hidden = WHOLE.flow(t, other), WHOLE.occlusion(t, other)
    np.testing.assert_allclose(flow, np.rint(flow), atol=1e-4)
    y, x = np.nonzero(~hidden)
    dx, dy = np.rint(flow[y, x]).astype(int).T
    assert np.abs(dx).max() > 50
    there = WHOLE.frame(other)[y + dy, x + dx].astype(int)
    # Half-transparent rims, many in a frame of 64 rows, mix with whatever is behind them.
    difference = np.abs(WHOLE.frame(t)[y, x] - there).max(axis=1)
    assert np.mean(difference == 0) > 0.75
    assert np.mean(difference <= 5) > 0.9
    at_rest = np.abs(WHOLE.frame(t)[y, x].astype(int) - WHOLE.frame(other)[y, x]).max(axis=1)
    assert np.mean(at_rest == 0) < 0.15
    assert 0 < hidden.mean() < 0.5


def test_no_distance_is_no_motion_and_long_ones_cancel() -> None:
    assert not SMOOTH.flow(4, 4).any()
    assert not SMOOTH.occlusion(4, 4).any()
    forward, hidden = SMOOTH.flow(0, 10), SMOOTH.occlusion(0, 10)
    y, x = np.mgrid[:64, :120].astype(np.float32)
    at = cv2.remap(SMOOTH.flow(10, 0), x + forward[..., 0], y + forward[..., 1], cv2.INTER_NEAREST)
    assert np.mean((np.abs(forward + at).max(axis=2) > 1e-4)[~hidden]) < 0.05


def test_a_scene_is_replaced_only_when_told_and_other_folders_never(tmp_path: Path) -> None:
    small = Scene(3, Look.day, (32, 40), 1)
    place = tmp_path / "scene"
    place.mkdir()
    write_scene(place, small, small, (1,), {})  # an empty folder is no loss
    with pytest.raises(MediaError, match=r"holds a scene; choose another folder, or pass --overwrite$"):
        write_scene(place, small, small, (1,), {})
    write_scene(place, small, small, (1,), {"again": True}, overwrite=True)
    assert "again" in (place / "scene.json").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("dear")
    with pytest.raises(MediaError, match=r"holds files but no scene; choose another folder$"):
        write_scene(tmp_path / "mine", small, small, (1,), {}, overwrite=True)
    with pytest.raises(MediaError, match=r"is a file; choose another folder for the scene$"):
        write_scene(tmp_path / "mine" / "note.txt", small, small, (1,), {})
    with pytest.raises(MediaError, match=r"does not exist; create it first$"):
        write_scene(tmp_path / "no" / "where", small, small, (1,), {})
    with pytest.raises(SettingsError, match=r"^neighbors are distances of 1 frame or more, got \[0\]$"):
        write_scene(tmp_path / "new", small, small, (0,), {})


def test_nothing_is_left_of_a_scene_that_was_stopped(tmp_path: Path) -> None:
    def stop(index: int) -> None:
        raise KeyboardInterrupt

    small = Scene(3, Look.day, (32, 40), 2)
    with pytest.raises(KeyboardInterrupt):
        write_scene(tmp_path / "scene", small, small, (1,), {}, on_frame=stop)
    assert list(tmp_path.iterdir()) == []
