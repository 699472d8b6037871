from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from media.synthetic import pattern
from small_runs import stylize, write_clip

from photovst.media.images import write_image


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with three frames in ``clip.mkv``, and ``photo.png``."""
    monkeypatch.chdir(tmp_path)
    write_clip("clip.mkv", [pattern(t) for t in range(3)])
    write_image("photo.png", pattern(30))


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Holds a call to the promise: it ends with 2 and this one line, and leaves no file but those named."""

    def check(line: str, clip: str = "clip.mkv", photo: str = "photo.png", output: str = "out.mp4", *more: str) -> None:
        before = set(Path().rglob("*"))
        code = stylize(clip, photo, output, *more)
        out, err = capfd.readouterr()
        assert err == f"photovst: error: {line}\n"
        assert (code, out) == (2, "")
        new = {p for p in Path().rglob("*") if p.parts[0] not in ("cache", "out.run") and p not in before}
        assert new == set()

    return check
