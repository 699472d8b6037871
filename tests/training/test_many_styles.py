import pickle
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from photovst.errors import SettingsError
from photovst.training.batch import collate
from photovst.training.many_styles import ManyStyles, relit
from photovst.training.mixture import Mixture
from photovst.training.still_motion import StillMotion
from photovst.training.still_pictures import Labels


@dataclass(frozen=True)
class Halves:
    """Pictures light above and dark below, each of a color of its own."""

    first: int = 0
    name: str = "halves"

    def __len__(self) -> int:
        return 5

    def read(self, index: int) -> tuple[NDArray[np.uint8], Labels | None]:
        picture = np.random.default_rng(self.first + index).integers(0, 60, (60, 80, 3), dtype=np.uint8)
        picture[:30] += 120
        return picture, None


def _many(regions: int = 0, own: float = 0.0, share: float = 0.0) -> ManyStyles:
    clips = Mixture((StillMotion(Halves()),), (1.0,), (40, 56), (1,), seed=3)
    return ManyStyles(clips, (Halves(100), Halves(200)), (1.0, 2.0), (32, 48), regions, own, share)


def test_frames_are_those_of_the_clips_and_each_has_a_style_of_its_own() -> None:
    many = _many()
    samples = [many[index] for index in range(4)]
    for index, sample in enumerate(samples):
        assert torch.equal(sample.frames, many.samples[index].frames)
        assert sample.style is not None
        assert sample.style.shape == (3, 32, 48)
        assert sample.masks is None
    assert len({float(sample.style.sum()) for sample in samples if sample.style is not None}) == 4


def test_a_sample_depends_on_its_number_alone() -> None:
    many = _many(regions=3)
    copy: ManyStyles = pickle.loads(pickle.dumps(many))
    many[0]
    first, second = collate([many[7]]), collate([copy[7]])
    assert first.style is not None
    assert second.style is not None
    assert torch.equal(first.style, second.style)
    assert first.masks is not None
    assert second.masks is not None
    assert torch.equal(first.masks, second.masks)


def test_some_have_their_own_frame_as_style() -> None:
    own = [
        (sample.frames[-1].mean((1, 2)), sample.style.mean((1, 2)))
        for sample in (_many(own=1.0)[i] for i in range(3))
        if sample.style is not None
    ]
    assert len(own) == 3
    for frame, style in own:
        torch.testing.assert_close(frame, style, atol=1e-3, rtol=0)


def test_some_have_their_own_frame_relit() -> None:
    """Another view of the light upper and dark lower half, in another light."""
    many, plain = _many(share=1.0), _many()
    for index in range(4):
        style, other = many[index].style, plain[index].style
        assert style is not None
        assert other is not None
        assert 0 <= float(style.min()) <= float(style.max()) <= 1
        assert not torch.equal(style, other)


def test_a_relit_view_has_about_the_colors_of_its_light() -> None:
    rng = np.random.default_rng(0)
    frame, light = torch.rand(3, 40, 56), torch.rand(3, 32, 48) * torch.tensor([0.3, 0.1, 0.5])[:, None, None] + 0.2
    views = [relit(rng, frame, light) for _ in range(20)]
    mean = torch.stack([view.mean((1, 2)) for view in views]).mean(0)
    assert views[0].shape == (3, 32, 48)
    torch.testing.assert_close(mean, light.mean((1, 2)), atol=0.1, rtol=0)


def test_regions_sum_to_one_and_empty_ones_fill_up() -> None:
    many = _many(regions=3)
    seen = set()
    for index in range(6):
        sample = many[index]
        assert sample.masks is not None
        assert sample.style_masks is not None
        assert sample.masks.shape == (2, 3, 40, 56)
        assert sample.style_masks.shape == (3, 32, 48)
        torch.testing.assert_close(sample.masks.sum(1), torch.ones(2, 40, 56), atol=1e-4, rtol=0)
        torch.testing.assert_close(sample.style_masks.sum(0), torch.ones(32, 48), atol=1e-4, rtol=0)
        seen.add(int((sample.style_masks.sum((1, 2)) > 0).sum()))
    assert len(seen) > 1
    batch = collate([many[0], many[1]])
    assert batch.masks is not None
    assert batch.to("cpu", channels_last=True).masks is not None
    assert batch.masks.shape == (2, 2, 3, 40, 56)


def test_the_light_half_of_a_clip_goes_with_the_light_half_of_its_style() -> None:
    many = _many(regions=2)
    both = [sample for sample in (many[i] for i in range(12)) if float(sample.masks[:, 1].sum()) > 0]  # type: ignore[index]
    assert both
    for sample in both:
        assert sample.masks is not None
        assert sample.style is not None
        assert sample.style_masks is not None
        frame, style = sample.frames[-1].mean(0), sample.style.mean(0)
        of_frame = [float((frame * mask).sum() / mask.sum()) for mask in sample.masks[-1]]
        of_style = [float((style * mask).sum() / mask.sum()) for mask in sample.style_masks]
        assert (of_frame[0] > of_frame[1]) == (of_style[0] > of_style[1])


def test_errors() -> None:
    clips = _many().samples
    with pytest.raises(SettingsError, match="0 sources of styles"):
        ManyStyles(clips, (), (), (32, 32))
    with pytest.raises(SettingsError, match="each with a weight above 0"):
        ManyStyles(clips, (Halves(),), (0.0,), (32, 32))
    with pytest.raises(SettingsError, match="shares from 0 to 1 together"):
        ManyStyles(clips, (Halves(),), (1.0,), (32, 32), own=2.0)
