from pathlib import Path

import pytest

from photovst.datasets import sintel
from photovst.errors import MediaError
from photovst.media.clip import open_clip

from .trees import sintel_tree, touch


def test_sequences_of_every_pass_with_their_ground_truth(tmp_path: Path) -> None:
    sintel_tree(tmp_path)
    touch(tmp_path / "test" / "final" / "cave_3" / "frame_0001.png")
    touch(tmp_path / "training" / "clean" / ".hidden" / "frame_0001.png", tmp_path / "training" / "notes.txt")
    found = sintel.find(tmp_path)
    assert [each.name for each in found] == ["training/clean/alley_1", "training/final/alley_1", "test/final/cave_3"]
    training = tmp_path / "training"
    for each, rendered in zip(found, ("clean", "final"), strict=False):
        assert each.dataset == "MPI-Sintel"
        assert each.frames == training / rendered / "alley_1"
        assert each.flow == training / "flow" / "alley_1"
        assert (each.occlusions, each.invalid) == (
            training / "occlusions" / "alley_1",
            training / "invalid" / "alley_1",
        )
        assert each.flow_back is None
        assert each.note == ""
        assert len(list(open_clip(each.frames))) == 4
    assert (found[2].flow, found[2].note) == (None, "")


def test_samples_pair_each_frame_with_the_next(tmp_path: Path) -> None:
    frames = sintel_tree(tmp_path)
    found = sintel.samples(tmp_path)
    assert len(found) == 6
    second = found[1]
    assert second.name == "training/clean/alley_1/frame_0002"
    assert (second.first, second.second) == (frames / "frame_0002.png", frames / "frame_0003.png")
    assert second.flow == tmp_path / "training" / "flow" / "alley_1" / "frame_0002.flo"
    assert second.occlusion == tmp_path / "training" / "occlusions" / "alley_1" / "frame_0002.png"
    assert second.invalid == tmp_path / "training" / "invalid" / "alley_1" / "frame_0002.png"
    assert second.flow_back is None


def test_partial_ground_truth_works_and_is_told(tmp_path: Path) -> None:
    sintel_tree(tmp_path, known=(2, 4))  # the flow from frame 4 leads to no frame
    first = sintel.find(tmp_path)[0]
    assert first.note == "ground truth for 1 of 3 pairs of frames"
    assert first.flow is not None
    assert [each.first.name for each in sintel.samples(tmp_path)] == ["frame_0002.png"] * 2
    # Without its occlusions a flow is none: where it holds would be unknown.
    (tmp_path / "training" / "occlusions" / "alley_1" / "frame_0002.png").unlink()
    first = sintel.find(tmp_path)[0]
    assert (first.flow, first.occlusions, first.note) == (None, None, "ground truth for 0 of 3 pairs of frames")
    with pytest.raises(MediaError, match=r"holds frames of MPI-Sintel but no ground truth; training/flow/NAME/frame_0"):
        sintel.samples(tmp_path)


def test_the_real_excerpt(shared: Path) -> None:
    found = sintel.find(shared / "data" / "sintel")
    clips = ("alley_1", "cave_2", "market_5")
    assert [each.name for each in found] == [f"training/{kind}/{clip}" for kind in ("clean", "final") for clip in clips]
    assert {each.note for each in found} == {"ground truth for 1 of 3 pairs of frames"}
    samples = sintel.samples(shared / "data" / "sintel")
    assert [(each.first.stem, each.second.stem) for each in samples] == [("frame_0002", "frame_0003")] * 6


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(
        MediaError, match=r"none is no folder; give that of MPI-Sintel, which holds training/clean/NAME"
    ):
        sintel.find(tmp_path / "none")
    with pytest.raises(MediaError, match=r"is not laid out as MPI-Sintel: neither training/clean/NAME/frame_0001\.png"):
        sintel.find(tmp_path)
    frames = sintel_tree(tmp_path)
    with pytest.raises(MediaError, match=r"is there; give the folder above it$"):
        sintel.find(tmp_path / "training")
    (frames / "frame_0003.png").unlink()
    with pytest.raises(MediaError, match=r"alley_1 lacks the frame after frame_0002\.png; unpack MPI-Sintel again$"):
        sintel.find(tmp_path)
    for path in frames.iterdir():
        path.unlink()
    with pytest.raises(MediaError, match=r"clean/alley_1 holds no frames of MPI-Sintel; it is empty or"):
        sintel.find(tmp_path)
