"""The mask pictures of a folder, one a frame, in the order of a clip's frames."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from photovst.errors import MediaError
from photovst.media.frame_folder import natural_key
from photovst.media.images import READABLE


def mask_pictures(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder in natural order; other files and hidden ones are passed over.

    Where all are called alike but for the last number in their names, the numbers must follow each other: a mask that
    is absent would give all later frames the masks of others.

    Raises:
        MediaError: there are no pictures, a number is absent, or two pictures have the same.
    """
    shown = (file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
    files = tuple(sorted((file for file in shown if file.suffix.lower() in READABLE), key=natural_key))
    if not files:
        raise MediaError(f"the mask folder {folder} holds no pictures; put one a frame there")
    numbered = [re.fullmatch(r"(.*?)(\d+)(\D*)", file.stem) for file in files]
    matches = [match for match in numbered if match]
    if len(matches) < len(files) or len({(match[1], match[3]) for match in matches}) > 1:
        return files
    for (before, a), (after, b) in itertools.pairwise(zip(files, matches, strict=True)):
        if int(a[2]) == int(b[2]):
            raise MediaError(f"{before} and {after.name} are both number {int(a[2])}; keep one mask a frame")
        if int(b[2]) > int(a[2]) + 1:
            missing = f"{a[1]}{str(int(a[2]) + 1).zfill(len(a[2]))}{a[3]}{before.suffix}"
            raise MediaError(
                f"the mask folder {folder} lacks {missing}: {after.name} follows {before.name}; give one a frame, with"
                " numbers that follow each other"
            )
    return files
