from pathlib import Path

import numpy as np
import pytest
import torch
from datasets.trees import SIZE, shifted, sintel_tree

from photovst.datasets import flying_chairs, scene_flow, sintel
from photovst.datasets.sequences import FlowSample
from photovst.errors import MediaError
from photovst.media.flow_files import write_flow
from photovst.media.images import write_image
from photovst.media.pfm_files import write_pfm
from photovst.ops.warp import warp
from photovst.training.augmentation import Augmentation
from photovst.training.flow_datasets import FlowPairs
from photovst.training.flow_truth import read_truth

AS_IS = Augmentation((1.0, 1.0))
RNG = np.random.default_rng


def _sintel(root: Path, **kinds: object) -> FlowPairs:
    sintel_tree(root, **kinds)
    return FlowPairs(tuple(pair for pair in sintel.samples(root) if "/clean/" in pair.name), AS_IS)


def test_time_is_reversed_and_the_later_frames_warped_show_the_current_one(tmp_path: Path) -> None:
    source = _sintel(tmp_path)
    for seed in range(10):
        sample = source.sample(RNG(seed), (20, 28), (1,))
        assert sample.flow[0, 0].abs().unique().tolist() == [2]  # mirrored or not
        warped = warp(sample.frames[:1], sample.flow)
        assert torch.equal(warped * sample.certainty, sample.frames[1:] * sample.certainty)
        assert 0.6 < sample.certainty.mean() < 1


def test_flow_is_chained_as_far_as_it_goes(tmp_path: Path) -> None:
    source = _sintel(tmp_path, frames=6, known=(1, 2, 3, 4, 5))
    assert source.note((1, 3)) == "frames 3 apart for 3 of 5 pairs of MPI-Sintel"
    assert source.note((1,)) == ""
    reached = set()
    for seed in range(20):
        sample = source.sample(RNG(seed), SIZE, (1, 3))
        reached.add(float(sample.flow[0, 0].abs().max()))
        assert sample.flow[1, 0].abs().unique().tolist() == [2]
        warped = warp(sample.frames[:2], sample.flow)
        assert torch.equal(warped * sample.certainty, sample.frames[2:] * sample.certainty)
        assert sample.certainty[0].sum() < sample.certainty[1].sum() or sample.flow[0, 0].abs().max() == 2
    assert reached == {2, 4, 6}


def test_occluded_and_unknown_pixels_are_uncertain(tmp_path: Path) -> None:
    source = _sintel(tmp_path)
    flow, certainty = read_truth(source.pairs[0])
    expected = torch.ones(SIZE)
    expected[4:8, 4:8] = 0
    expected[12:14, 4:8] = 0
    expected[:, -2:] = 0
    assert torch.equal(certainty[0, 0], expected)
    vectors = np.full((*SIZE, 2), 2, np.float32)
    vectors[0, 0] = 1e10, np.nan
    write_flow(source.pairs[0].flow, vectors)
    flow, certainty = read_truth(source.pairs[0])
    assert flow[0, :, 0, 0].tolist() == [0, 0]
    assert certainty[0, 0, 0, 0] == 0


def _scene_flow(root: Path, back: float) -> FlowSample:
    frames = root / "frames_cleanpass" / "TRAIN" / "A" / "0000" / "left"
    frames.mkdir(parents=True)
    for number in (6, 7):
        write_image(frames / f"{number:04d}.png", shifted(number))
    for way, name, x in (("future", "Future_0006", 2.0), ("past", "Past_0007", back)):
        folder = root / "optical_flow" / "TRAIN" / "A" / "0000" / f"into_{way}" / "left"
        folder.mkdir(parents=True)
        write_pfm(folder / f"OpticalFlowInto{name}_L.pfm", np.full((*SIZE, 3), [x, 0, 0], np.float32))
    (sample,) = scene_flow.samples(root)
    return sample


def test_without_occlusions_the_flow_back_tells(tmp_path: Path) -> None:
    _, certainty = read_truth(_scene_flow(tmp_path / "true", -2))
    assert certainty[..., :-2].all()
    assert not certainty[..., -2:].any()
    _, certainty = read_truth(_scene_flow(tmp_path / "false", 5))
    assert not certainty.any()


def _chairs(root: Path) -> FlowSample:
    (root / "data").mkdir(parents=True)
    second = shifted(1).copy()
    second[10:14, 12:18] ^= 128  # something else has come there
    for k, picture in ((1, shifted(0)), (2, second)):
        (root / "data" / f"00001_img{k}.ppm").write_bytes(
            b"P6 %d %d 255\n" % (SIZE[1], SIZE[0]) + np.ascontiguousarray(picture).tobytes()
        )
    write_flow(root / "data" / "00001_flow.flo", np.full((*SIZE, 2), [2, 0], np.float32))
    return flying_chairs.find(root)[0]


def test_without_flow_back_the_pictures_tell(tmp_path: Path) -> None:
    _, certainty = read_truth(_chairs(tmp_path))
    expected = torch.ones(SIZE)
    expected[10:14, 10:16] = 0
    expected[:, -2:] = 0
    assert torch.equal(certainty[0, 0], expected)


def test_missing_flow_and_other_sizes_are_one_line_that_names_the_file(tmp_path: Path) -> None:
    source = _sintel(tmp_path, known=(1,))
    (pair,) = source.pairs
    write_image(pair.second, shifted(2)[:20])
    with pytest.raises(MediaError, match=r"frame_0002\.png of MPI-Sintel is 32x20 pixels, but the flow .* 32x24"):
        source.sample(RNG(0), (16, 16), (1,))
    write_image(pair.second, shifted(2))
    write_image(pair.occlusion or Path(), shifted(2)[:, :30])
    with pytest.raises(MediaError, match=r"occlusions.*frame_0001\.png of MPI-Sintel is 30x24"):
        source.sample(RNG(0), (16, 16), (1,))
    pair.flow.unlink()
    with pytest.raises(MediaError, match=r"MPI-Sintel .*frame_0001 lacks its flow .*frame_0001\.flo"):
        source.sample(RNG(0), (16, 16), (1,))
    with pytest.raises(MediaError, match="no pairs"):
        FlowPairs(())


def test_links_of_other_sizes_do_not_chain(tmp_path: Path) -> None:
    source = _sintel(tmp_path, frames=3, known=(1, 2))
    small = np.full((20, 32, 2), 1, np.float32)
    write_flow(source.pairs[1].flow, small)
    for path in (source.pairs[1].occlusion, source.pairs[1].invalid):
        assert path is not None
        write_image(path, np.zeros((20, 32, 3), np.uint8))
    with pytest.raises(MediaError, match=r"frame_0002\.flo is 32x20 pixels, but the flow before it"):
        FlowPairs(source.pairs).sample(RNG(1), (16, 16), (2,)) if _starts_first(source, 1) else None


def _starts_first(source: FlowPairs, seed: int) -> bool:
    """Whether this seed draws the first pair."""
    return int(RNG(seed).integers(len(source.pairs))) == 0


def test_published_sintel_frames_agree_with_their_flow(shared: Path) -> None:
    source = FlowPairs(tuple(pair for pair in sintel.samples(shared / "data" / "sintel") if "alley_1" in pair.name))
    sample = source.sample(RNG(0), (256, 256), (1,))
    off = (warp(sample.frames[:1], sample.flow) - sample.frames[1:]).abs().mean(1, keepdim=True)
    assert (off * sample.certainty).sum() / sample.certainty.sum() < 0.02
    assert sample.certainty.mean() > 0.8
