import os
from pathlib import Path

import pytest

from photovst.datasets import clip_folder
from photovst.errors import MediaError
from photovst.media.clip import open_clip

from .trees import touch


def test_videos_and_folders_of_frames_and_nothing_else(tmp_path: Path) -> None:
    touch(tmp_path / "b.MP4", tmp_path / "a" / "0001.png", tmp_path / "c 'quoted' <b>.webm")
    touch(tmp_path / "notes.txt", tmp_path / ".hidden.mp4", tmp_path / ".cache" / "0001.png", tmp_path / "loose.png")
    touch(tmp_path / "empty" / "readme.md", tmp_path / "x.mp4" / "nothing")
    found = clip_folder.find(tmp_path)
    assert [each.name for each in found] == ["a", "b.MP4", "c 'quoted' <b>.webm"]
    assert [each.frames for each in found] == [tmp_path / each.name for each in found]


def test_real_clips_open(shared: Path) -> None:
    found = clip_folder.find(shared / "data" / "clips")
    assert len(found) == 10
    assert all(open_clip(each.frames).info.kind == "video" for each in found)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"is no folder; give that of clips, which holds videos, or a folder"):
        clip_folder.find(tmp_path / "none")
    with pytest.raises(MediaError, match=r"holds no clips: no \.mp4, .* and no folder of pictures$"):
        clip_folder.find(tmp_path)
    touch(tmp_path / "0001.png")
    with pytest.raises(MediaError, match=rf"it holds pictures: to take it as one clip, give {tmp_path.parent}$"):
        clip_folder.find(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0)
    try:
        with pytest.raises(MediaError, match=r"locked may not be read; change its permissions"):
            clip_folder.find(locked)
    finally:
        locked.chmod(0o700)
