"""What a plain run does not load: packages that take longer to import than its first frames to make."""

from pathlib import Path

import pytest
from light_imports import run_light
from small_runs import FAST, scene, write_clip

from photovst.media.images import write_image
from photovst.media.scenes import Look

UNUSED = (
    *("torch._dynamo", "torch._inductor", "torch.distributed.fsdp", "torch.onnx", "torchvision"),
    *("sympy", "scipy.sparse", "scipy.cluster", "scipy.fft", "matplotlib"),
)


def test_a_plain_run_loads_neither_compiler_nor_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures = scene(Look.day, 2)
    write_clip("clip.mkv", pictures)
    write_image(Path("photo.png"), pictures[0])
    arguments = ("stylize", "clip.mkv", "photo.png", "-o", "out.mkv", "--quiet", *FAST)
    done = run_light("from photovst.cli import main\nassert main(sys.argv[1:]) == 0", *arguments, without=UNUSED)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("out.mkv").exists()
