"""Small trees of files laid out as datasets are published."""

from pathlib import Path

import cv2
import numpy as np

from photovst.media.flow_files import write_flow
from photovst.media.images import write_image

SIZE = (24, 32)


def touch(*paths: Path) -> None:
    """Empty files, with the folders above them."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def shifted(number: int) -> np.ndarray:
    """A picture that moves two pixels to the right from one number to the next."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE[0], 200, 3), np.uint8)
    return noise[:, 100 - 2 * number : 100 - 2 * number + SIZE[1]]


def sintel_tree(root: Path, clip: str = "alley_1", frames: int = 4, known: tuple[int, ...] = (1, 2, 3)) -> Path:
    """A sequence in both passes with flow of two pixels to the right; its folder of frames in the clean pass."""
    training = root / "training"
    for number in range(1, frames + 1):
        for rendered in ("clean", "final"):
            path = training / rendered / clip / f"frame_{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, shifted(number))
    occluded, invalid = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    occluded[4:8, 4:8] = 255
    invalid[12:14, 4:8] = 255
    for number in known:
        for kind, picture in (("occlusions", occluded), ("invalid", invalid)):
            path = training / kind / clip / f"frame_{number:04d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(path), picture)
        path = training / "flow" / clip / f"frame_{number:04d}.flo"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_flow(path, np.broadcast_to(np.float32([2, 0]), (*SIZE, 2)))
    return training / "clean" / clip
