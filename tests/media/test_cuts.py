import numpy as np
import pytest
from scenedetect.common import FrameTimecode
from scenedetect.detectors.content_detector import ContentDetector

from photovst.media.cuts import CutDetector


def _restless(seed: int) -> np.ndarray:
    """Frames that hold still for a few or many frames and then change, by little or much."""
    random = np.random.default_rng(seed)
    frames, left = [], 0
    for _ in range(400):
        if left == 0:
            picture, left = random.integers(0, 256, (6, 9, 3), np.uint8), int(random.choice([1, 2, 5, 14, 15, 16, 40]))
            picture = picture // random.integers(1, 9, dtype=np.uint8)
        frames.append(picture)
        left -= 1
    return np.stack(frames)


@pytest.mark.parametrize("shortest", [0, 1, 5, 15])
@pytest.mark.parametrize("threshold", [15.0, 27.0, 60.0])
def test_the_cuts_of_pyscenedetect(shortest: int, threshold: float) -> None:
    for seed in range(4):
        ours = CutDetector(threshold, shortest)
        theirs = ContentDetector(threshold=threshold, min_scene_len=shortest)
        found: list[int] = []
        expected: list[int] = []
        for index, frame in enumerate(_restless(seed)):
            start = ours.look(index, frame)
            found += [] if start is None else [start]
            cuts = theirs.process_frame(FrameTimecode(index, 25.0), np.ascontiguousarray(frame[..., ::-1]))
            expected += [cut.frame_num for cut in cuts]
        assert found == expected
        assert found


def test_a_change_of_just_the_threshold_is_a_cut() -> None:
    black = np.zeros((4, 4, 3), np.uint8)
    gray = black + np.uint8(81)  # value changes by 81, hue and saturation of a gray are 0: 27 on average
    for threshold, expected in ((27.0, 1), (27.01, None)):
        detector = CutDetector(threshold, 1)
        assert detector.look(0, black) is None
        assert detector.look(1, gray) == expected
