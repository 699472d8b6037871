"""Places that cannot be written to, or must not be: exit code 2, one line on stderr, nothing lost or left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from media.synthetic import pattern
from small_runs import states, stylize, write_clip

from photovst.media.images import write_image
from photovst.run import RunFolder


@pytest.mark.parametrize(
    ("output", "codec", "line"),
    [
        ("out.avi", "h264", "codec 'h264' cannot be written to suffix '.avi'; use .mp4, .m4v, .mov, .mkv"),
        ("out", "h264", "codec 'h264' cannot be written to suffix ''; use .mp4, .m4v, .mov, .mkv"),
        ("out.mp4", "ffv1", "codec 'ffv1' cannot be written to suffix '.mp4'; use .mkv"),
        ("out.mp4", "prores", "codec 'prores' cannot be written to suffix '.mp4'; use .mov, .mkv"),
        ("out.mp4", "png", "codec 'png' writes a folder of frames, but out.mp4 names a file; leave the suffix out"),
        (
            "out.png",
            "h264",
            "out.png is a picture, but the input is a clip; use .mp4, .mov or .mkv, or codec 'png'",
        ),
        ("clip.mkv", "h264", "output and content are both clip.mkv; choose another output"),
        ("photo.png", "h264", "output and style are both photo.png; choose another output"),
        (".", "png", "output . has no name of its own; name the file or folder to write"),
        ("/", "png", "output / has no name of its own; name the file or folder to write"),
        ("", "h264", "output is empty; set output=... (The result: a video file, a picture, or a folder for 'png'.)"),
    ],
)
def test_outputs(refused: Callable[..., None], output: str, codec: str, line: str) -> None:
    refused(line, "clip.mkv", "photo.png", output, f"video.codec={codec}")


def test_outputs_that_exist(refused: Callable[..., None]) -> None:
    Path("out.mp4").write_bytes(b"mine")
    refused("out.mp4 exists; choose another name, or pass --overwrite")
    assert Path("out.mp4").read_bytes() == b"mine"
    Path("folder").mkdir()
    Path("folder/notes.txt").write_text("mine")
    png = ("clip.mkv", "photo.png", "folder", "video.codec=png", "--overwrite")
    refused("the folder folder holds more than numbered frames; choose another name for the output", *png)
    assert Path("folder/notes.txt").read_text() == "mine"
    os.link("clip.mkv", "same.mkv")
    refused(
        "same.mkv is the input; choose another name for the output", "clip.mkv", "photo.png", "same.mkv", "--overwrite"
    )


def test_outputs_among_the_inputs(refused: Callable[..., None]) -> None:
    Path("frames").mkdir()
    write_image("frames/000000.png", pattern(0))
    mine = Path("frames/000000.png").read_bytes()
    more = ("photo.png", "frames", "video.codec=png", "--overwrite")
    refused("output and content are both frames; choose another output", "frames", *more)
    refused("frames is the input; choose another name for the output", "frames/*.png", *more)
    assert Path("frames/000000.png").read_bytes() == mine


def test_folders_that_cannot_be_written(refused: Callable[..., None], tmp_path: Path) -> None:
    line = f"cannot write none/out.mp4: the folder {tmp_path}/none does not exist; create it first"
    refused(line, "clip.mkv", "photo.png", "none/out.mp4")
    refused(
        f"cannot write photo.png/out.mp4: the folder {tmp_path}/photo.png does not exist; create it first",
        "clip.mkv",
        "photo.png",
        "photo.png/out.mp4",
    )
    refused(
        "run folder photo.png is a file; choose another with --run",
        "clip.mkv",
        "photo.png",
        "out.mp4",
        "--run",
        "photo.png",
    )
    line = "cannot make the run folder photo.png/x (Not a directory); choose another with --run"
    refused(line, "clip.mkv", "photo.png", "out.mp4", "--run", "photo.png/x")


def test_run_folders(refused: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    png = ("clip.mkv", "photo.png", "frames", "video.codec=png", "--run")
    for place in ("frames", "frames/run"):
        line = f"the run folder {place} would lie in the output frames; choose another with --run"
        refused(line, *png, place)
    Path("thesis").mkdir()
    Path("thesis/thesis.tex").write_text("mine")
    refused("thesis holds files but no run of photovst; choose another folder with --run", *png, "thesis")
    assert stylize("clip.mkv", "photo.png", "out.mp4") == 0
    Path("out.mp4").unlink()
    capfd.readouterr()
    before = states("out.run")
    other = "pass --overwrite to replace it, or choose another folder with --run"
    line = f"out.run belongs to another run (differs in objective.style.weight); {other}"
    refused(line, "clip.mkv", "photo.png", "out.mp4", "objective.style.weight=2")
    write_clip("clip.mkv", [pattern(t + 1) for t in range(3)])
    refused(f"out.run belongs to another run (differs in inputs.content); {other}")
    Path("out.run/provenance.json").write_text("[]")
    refused(f"out.run belongs to another run (its provenance cannot be read); {other}")
    assert states("out.run") == before


def test_a_run_folder_in_use(refused: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = RunFolder.open

    def in_the_meantime(*arguments: object) -> RunFolder:
        held = opened(*arguments)  # type: ignore[arg-type]
        try:
            monkeypatch.setattr(RunFolder, "open", opened)
            refused("out.run is in use by another photovst; wait, or choose another --run")
        finally:
            held.close()
        return opened(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RunFolder, "open", in_the_meantime)
    assert stylize("clip.mkv", "photo.png", "out.mp4") == 0


def test_a_finished_run_is_not_done_again(refused: Callable[..., None], capfd: pytest.CaptureFixture[str]) -> None:
    assert stylize("clip.mkv", "photo.png", "out.mp4") == 0
    capfd.readouterr()
    refused("out.mp4 exists; choose another name, or pass --overwrite")
    assert stylize("clip.mkv", "photo.png", "out.mp4", "--overwrite") == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KB, or nothing of the kind and a skip."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("holds", ["result", "result as pictures", "run", "cache"])
def test_a_full_disk(small_disk: Path, capfd: pytest.CaptureFixture[str], holds: str) -> None:
    noise = np.random.default_rng(0)
    write_clip("clip.mkv", [noise.integers(0, 255, (128, 192, 3)).astype(np.uint8) for _ in range(3)])
    output, run_folder, cache = "out.mp4", "out.run", "cache"
    if holds.startswith("result"):
        output = str(small_disk / ("out" if "pictures" in holds else "out.mkv"))
    elif holds == "run":
        run_folder = str(small_disk / "run")
    else:
        cache = str(small_disk)
        (small_disk / "filling").write_bytes(bytes(60_000))
    codec = {"result": "ffv1", "result as pictures": "png"}.get(holds, "h264")
    more = (f"cache.folder={cache}", f"video.codec={codec}", "--run", run_folder)
    assert stylize("clip.mkv", "photo.png", output, *more) == 2
    out, err = capfd.readouterr()
    (line,) = err.splitlines()
    assert line.startswith("photovst: error: ")
    assert "No space left on device" in line
    assert out == ""
    left = [path.name for path in small_disk.rglob("*") if path.suffix in (".mkv", ".png", ".partial")]
    assert left == []


def test_a_folder_without_the_right_to_write(refused: Callable[..., None], tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    Path("locked").mkdir(mode=0o500)
    line = f"cannot write locked/out.mp4: the folder {tmp_path}/locked is not writable; choose another place"
    refused(line, "clip.mkv", "photo.png", "locked/out.mp4")
