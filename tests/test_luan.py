"""The methods of [Luan2017] end to end on small pictures: the last step, and the program as printed and as released."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from random_vgg import random_state
from small_runs import distance_in_color, pictures, stylize, write_inputs
from torch import Tensor

from photovst.media.images import read_image, write_image
from photovst.models.vgg_checkpoints import torchvision_vgg
from photovst.ops.local_affine import smooth_local_affine

PRESETS = Path(__file__).resolve().parents[1] / "configs" / "presets"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder with ``clip.mkv`` and ``photo.png``."""
    monkeypatch.chdir(tmp_path)
    write_inputs()


def test_the_last_step_of_luan_takes_the_result_to_full_size(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def recorded(frame: Tensor, result: Tensor, radius: int, sigma_range: float, full: Tensor) -> Tensor:
        seen.append((frame.shape, result.shape, full.shape, radius, sigma_range))
        return smooth_local_affine(frame, result, radius, sigma_range, full)

    monkeypatch.setattr("photovst.rendering.smooth_local_affine", recorded)
    pixels = ("video.codec=png", "parametrization.kind=pixels", "schedule.scales=[32,48]")
    assert stylize("clip.mkv", "photo.png", "plain", *pixels) == 0
    assert not seen
    affine = ("local_affine.enabled=true", "local_affine.radius=3", "local_affine.range=0.1")
    assert stylize("clip.mkv", "photo.png", "smooth", *pixels, *affine) == 0
    small, full = (1, 3, 32, 48), (1, 3, 64, 96)
    assert seen == [(small, small, full, 3, 0.1)] * 4
    for frame, plain, smooth in zip(pictures("clip.mkv"), pictures("plain"), pictures("smooth"), strict=True):
        assert distance_in_color(smooth, plain) < 0.3 * distance_in_color(frame, plain)
        assert not np.array_equal(smooth, plain)


def test_the_papers_program_on_a_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The presets of Luan et al. with another network: two stages from noise, as printed and as released."""
    state = random_state("vgg19", channels=8)
    monkeypatch.setattr(
        "photovst.build_encoder._vgg", lambda chosen, *rest: torchvision_vgg(state, "vgg19", ceil=chosen.ceil)
    )
    write_image("still.png", pictures("clip.mkv")[0])
    for preset in ("luan2017", "luan2017_torch7"):
        # A network of other features has other magnitudes: its terms are weighted to be of one order here.
        more = ("schedule.scales=[64,64]", "schedule.iterations=[30,15]", "schedule.next_iterations=[0,0]")
        weights = ("objective.style.weight=1e6", "objective.photorealism.weight=1", "local_affine.radius=3")
        output = f"{preset}.png"
        assert stylize("still.png", "photo.png", output, "-c", str(PRESETS / f"{preset}.yaml"), *more, *weights) == 0
        (record,) = [json.loads(line) for line in Path(f"{preset}.run/frames.jsonl").read_text().splitlines()]
        expected = {"content", "style", "photorealism"} | ({"smoothness"} if "torch7" in preset else set())
        assert record["terms"].keys() == expected
        assert record["iterations"] == 45
        made = read_image(output).astype(float)
        assert made.std() > 5  # no longer noise around gray
