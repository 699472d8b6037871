"""The pictures of a report come back as they were written, or not at all."""

import json
import logging
from pathlib import Path

import pytest

from photovst.shown import CoverageRow, Shown, ShownFrame, ShownPhoto, clip_name, picture_in, read_shown, write_shown

JPEG, PNG = b"\xff\xd8\xff one", b"\x89PNG\r\n\x1a\n two"
SHOWN = Shown(
    "day <in> the light",
    (ShownFrame(0, JPEG, PNG, JPEG), ShownFrame(12, PNG, None)),
    ShownPhoto('a "photo"', PNG),
    (ShownPhoto("regions", JPEG),),
    (CoverageRow("sky", 0.25, 0.5, "sky", "in both", "#4477aa"), CoverageRow("sea", 0.0, 0.5, "nothing", "why")),
    ("dark", "\udcff"),
    {"survey": 1.5},
)


def test_a_folder_of_frames_is_called_by_the_one_above() -> None:
    names = {"day.mp4": "day.mp4", "davis/kite-surf": "kite-surf", "a/scene/frames": "scene/frames", "frames": "frames"}
    assert {path: clip_name(path) for path in names} == names
    assert clip_name("scene/*.png") == "scene/*.png"


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_shown(tmp_path, SHOWN)
    assert read_shown(tmp_path) == SHOWN
    names = {path.name for path in (tmp_path / "shown").iterdir()}
    assert {"000000_content.jpg", "000000_result.png", "000012_content.png", "style.png", "shown.json"} <= names


def test_what_is_written_again_takes_the_place(tmp_path: Path) -> None:
    write_shown(tmp_path, SHOWN)
    write_shown(tmp_path, Shown("other"))
    assert [path.name for path in (tmp_path / "shown").iterdir()] == ["shown.json"]
    assert read_shown(tmp_path) == Shown("other")


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert read_shown(tmp_path) is None


def test_a_picture_that_is_gone_is_left_out(tmp_path: Path) -> None:
    write_shown(tmp_path, SHOWN)
    (tmp_path / "shown" / "000000_result.png").unlink()
    (tmp_path / "shown" / "style_regions_0.jpg").write_bytes(b"GIF89a")
    shown = read_shown(tmp_path)
    assert shown is not None
    assert shown.frames[0] == ShownFrame(0, JPEG, None, JPEG)
    assert shown.style_regions == ()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 2}', '{"format": 1, "title": "", "frames": 3}']
)
def test_a_damaged_index_is_warned_of(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    write_shown(tmp_path, SHOWN)
    (tmp_path / "shown" / "shown.json").write_text(text)
    with caplog.at_level(logging.WARNING):
        assert read_shown(tmp_path) is None
    assert "its pictures are left out" in caplog.text


def test_no_file_from_elsewhere_gets_into_a_page(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(JPEG)
    run = tmp_path / "run"
    write_shown(run, SHOWN)
    (run / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    assert picture_in(run, "shown/style.png") == PNG
    for name in ("../secret.jpg", str(tmp_path / "secret.jpg"), "link.jpg", "absent.jpg", "shown", "shown/shown.json"):
        assert picture_in(run, name) is None
    index = run / "shown" / "shown.json"
    values = json.loads(index.read_bytes())
    values["frames"][0]["content"] = "../../secret.jpg"
    index.write_text(json.dumps(values))
    shown = read_shown(run)
    assert shown is not None
    assert shown.frames[0].content is None


def test_other_files_are_no_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PNG or JPEG bytes, but these begin with b'GIF8'"):
        write_shown(tmp_path, Shown(frames=(ShownFrame(0, b"GIF89a", None),)))
