from pathlib import Path

import pytest

from photovst.datasets import scene_flow
from photovst.errors import MediaError

from .trees import touch

CLIPS = {
    "FlyingThings3D": "TRAIN/A/0000",
    "Monkaa": "a_rain_of_stones_x2",
    "Driving": "15mm_focallength/scene_forwards/fast",
}


def _tree(root: Path, clip: str, rendered: str = "frames_cleanpass", numbers: range = range(6, 9)) -> None:
    suffix = ".webp" if rendered.endswith("_webp") else ".png"
    for view in ("left", "right"):
        touch(*(root / rendered / clip / view / f"{n:04d}{suffix}" for n in numbers))
        for way in ("Future", "Past"):
            folder = root / "optical_flow" / clip / f"into_{way.lower()}" / view
            touch(*(folder / f"OpticalFlowInto{way}_{n:04d}_{view[0].upper()}.pfm" for n in numbers))


@pytest.mark.parametrize("dataset", list(CLIPS))
def test_clips_of_each_by_pass_and_view(tmp_path: Path, dataset: str) -> None:
    clip = CLIPS[dataset]
    _tree(tmp_path, clip)
    _tree(tmp_path, clip, "frames_finalpass_webp")
    found = scene_flow.find(tmp_path)
    assert [each.name for each in found] == [
        f"{rendered}/{clip}/{view}"
        for rendered in ("frames_cleanpass", "frames_finalpass_webp")
        for view in ("left", "right")
    ]
    assert {each.dataset for each in found} == {dataset}
    right = found[1]
    assert right.frames == tmp_path / "frames_cleanpass" / clip / "right"
    assert right.flow == tmp_path / "optical_flow" / clip / "into_future" / "right"
    assert right.flow_back == tmp_path / "optical_flow" / clip / "into_past" / "right"
    assert right.note == ""


@pytest.mark.parametrize("dataset", list(CLIPS))
def test_flow_back_starts_from_the_second_frame(tmp_path: Path, dataset: str) -> None:
    _tree(tmp_path, CLIPS[dataset])
    found = scene_flow.samples(tmp_path)
    assert len(found) == 4  # frames 6 to 7 and 7 to 8 of two views: flow from 8 leads to no frame
    one = found[3]
    assert one.name == f"frames_cleanpass/{CLIPS[dataset]}/right/0007"
    names = [path.name for path in (one.first, one.second, one.flow) if path]
    assert names == ["0007.png", "0008.png", "OpticalFlowIntoFuture_0007_R.pfm"]
    assert one.flow_back is not None
    assert one.flow_back.name == "OpticalFlowIntoPast_0008_R.pfm"


def test_partial_flow_is_told(tmp_path: Path) -> None:
    _tree(tmp_path, "eating_x2")
    flow = tmp_path / "optical_flow" / "eating_x2"
    (flow / "into_future" / "left" / "OpticalFlowIntoFuture_0006_L.pfm").unlink()
    for path in (flow / "into_past" / "left").iterdir():
        path.unlink()
    left = scene_flow.find(tmp_path)[0]
    assert left.note == "flow for 1 of 2 pairs of frames"
    assert left.flow_back is None
    assert [each.flow_back for each in scene_flow.samples(tmp_path) if "/left/" in each.name] == [None]


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"is not laid out as FlyingThings3D, Monkaa or Driving: it lacks frames_"):
        scene_flow.find(tmp_path)
    _tree(tmp_path / "monkaa", "eating_x2")
    with pytest.raises(MediaError, match=rf"optical_flow/; give {tmp_path / 'monkaa'}$"):
        scene_flow.find(tmp_path)
    (tmp_path / "driving" / "frames_finalpass").mkdir(parents=True)
    with pytest.raises(MediaError, match=r"frames_finalpass holds no clips: CLIP/left/0006\.png was looked for"):
        scene_flow.find(tmp_path / "driving")
    touch(tmp_path / "driving" / "frames_finalpass" / CLIPS["Driving"] / "left" / "0001.png")
    with pytest.raises(MediaError, match=r"driving holds frames but no flow of theirs: optical_flow/CLIP/into_future"):
        scene_flow.samples(tmp_path / "driving")
    touch(tmp_path / "driving" / "frames_finalpass" / CLIPS["Driving"] / "left" / "0003.png")
    with pytest.raises(MediaError, match=r"left lacks the frame after 0001\.png"):
        scene_flow.find(tmp_path / "driving")
