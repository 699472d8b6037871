from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from photovst.errors import MediaError
from photovst.guidance.survey import KEPT, SAMPLES, Survey, survey
from photovst.media.records import Clip, ClipInfo, ColorTags, DamageTally, Frame
from photovst.media.shots import Shot


def _clip(count: int, colors: int = 1) -> Clip:
    """A clip that is made up as it is read; each frame holds its own number, and the scene changes ``colors`` times."""

    def decode(longest: int | None, tally: DamageTally) -> Iterator[Frame]:
        for index in range(count):
            image = np.full((16, 16, 3), 40 + 180 * (index * colors // count % 2), np.uint8)
            image[0, 0] = index % 256, index // 256, 0
            yield Frame(index, image, Fraction(index, 25))

    info = ClipInfo((16, 16), "video", None, count, None, "rgb24", 8, False, False, ColorTags(), Fraction(1, 25))
    return Clip(Path("made-up.mp4"), info, decode)


def _number(picture: np.ndarray) -> int:
    return int(picture[0, 0, 0]) + 256 * int(picture[0, 0, 1])


@pytest.mark.parametrize("count", [1, KEPT, KEPT + 1, 1000, 5000])
def test_few_small_frames_are_kept_evenly_spread(count: int) -> None:
    found = survey(_clip(count), None)
    assert found.count == count
    assert found.shots == (Shot(0, count),)
    kept = sorted(found.thumbnails)
    assert min(count, KEPT // 2) <= len(kept) <= KEPT
    assert kept[0] == 0
    assert len(set(np.diff(kept))) <= 1
    assert count - kept[-1] <= max(np.diff(kept), default=1)
    assert all(_number(picture) == index for index, picture in found.thumbnails.items())


def test_samples_are_spread_over_the_shot() -> None:
    found = survey(_clip(1000), None)
    numbers = [_number(picture) for picture in found.samples(Shot(0, 1000))]
    assert len(numbers) == SAMPLES
    assert numbers[0] == 0
    assert 1000 - numbers[-1] <= 8
    assert np.ptp(np.diff(numbers)) <= 8
    assert [_number(p) for p in found.samples(Shot(0, 3))] == [0]
    assert found.samples(Shot(1, 3)) == []  # too short to have left any
    inside = [_number(picture) for picture in found.samples(Shot(500, 520))]
    assert inside
    assert all(500 <= number < 520 for number in inside)


def test_a_short_shot_gives_all_it_has() -> None:
    found = survey(_clip(3), None)
    assert [_number(picture) for picture in found.samples(Shot(0, 3))] == [0, 1, 2]


def test_cuts_divide_the_clip_and_every_frame_has_its_shot() -> None:
    found = survey(_clip(90, colors=3), 27.0)
    assert found.shots == (Shot(0, 30), Shot(30, 60), Shot(60, 90))
    assert found.count == 90
    for index in range(90):
        shot = found.shot_of(index)
        assert shot.first <= index < shot.stop
    assert [_number(p) for p in found.samples(Shot(30, 60))] == [30, 37, 44, 52, 59]


def test_every_frame_is_told() -> None:
    told: list[int] = []
    survey(_clip(7), None, told.append)
    assert told == list(range(7))


def test_shot_of_by_hand() -> None:
    found = Survey((Shot(0, 2), Shot(2, 3)), {})
    assert [found.shot_of(index) for index in range(3)] == [Shot(0, 2), Shot(0, 2), Shot(2, 3)]


def test_an_empty_clip_is_refused() -> None:
    with pytest.raises(MediaError, match=r"made-up\.mp4 has no frames"):
        survey(_clip(0), None)
