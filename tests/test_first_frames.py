"""First frames' results kept by content: found again for the same, and for nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from random_networks import write_any_style

from photovst import first_frames
from photovst.build_optimizer import build_start
from photovst.config import Settings
from photovst.first_frames import FirstFrames
from photovst.guidance.guides import Guides
from photovst.guidance.regions import Regions, whole_frame
from photovst.media.images import write_image
from photovst.optimize.neighbors import Stylized
from photovst.settings_io import load_settings
from photovst.threads import threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)


def settings(*more: str) -> Settings:
    fixed = {"content": "clip.mkv", "style": "photo.png", "output": "out.mkv"}
    return load_settings((), ["cache.folder=cache", *more], fixed)


def shot(photo: float = 0.5) -> tuple[Guides, Regions]:
    random = torch.Generator().manual_seed(0)
    frame = torch.rand(1, 3, 8, 12, generator=random)
    regions = whole_frame(torch.full((1, 3, 6, 6), photo))
    return Guides(frame, torch.ones(1, 1, 8, 12), {}, 5, 0.25), regions


def first(chosen: Settings, still: bool = False) -> FirstFrames:
    return FirstFrames(chosen, CPU, still, build_start(chosen, CPU, still))


def result(chosen: Settings, guides: Guides) -> Stylized:
    start = build_start(chosen, CPU)(guides.frame)
    random = torch.Generator().manual_seed(1)
    state = {name: torch.rand(value.shape, generator=random).numpy() for name, value in start.state().items()}
    return Stylized(start.restored(state), guides.frame, {"style": 0.1, "total": 1 / 3}, 52, 60)


def test_a_kept_result_comes_back_as_it_was_and_took_nothing() -> None:
    guides, regions = shot()
    made = result(settings(), guides)
    assert first(settings()).found(guides, regions) is None
    first(settings()).keep(guides, regions, made)
    found = first(settings()).found(guides, regions)
    assert found is not None
    assert found.losses == made.losses  # to the last digit
    assert (found.iterations, found.evaluations) == (0, 0)
    given, back = (each.parametrization.state()["grid"] for each in (made, found))
    assert given.tobytes() == back.tobytes()


def test_only_what_has_a_say_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    guides, regions = shot()
    first(settings()).keep(guides, regions, result(settings(), guides))
    no_say = ("objective.temporal.weight=1", "schedule.next_iterations=[1,1,1]", "schedule.passes.count=3")
    written = ("strength=0.5", "video.codec=hevc", "video.size=640", "local_affine.enabled=true", "shots.threshold=20")
    assert first(settings(*no_say, *written)).found(guides, regions) is not None
    for more in (
        "objective.style.weight=2",
        "seed=1",
        "schedule.effort=0.5",
        "encoder.stride=2",
        "cache.enabled=false",
    ):
        assert first(settings(more)).found(guides, regions) is None, more
    assert first(settings(), still=True).found(guides, regions) is None
    assert first(settings()).found(*shot(photo=0.6)) is None
    assert first(settings()).found(guides, replace(regions, weights=(0.5,))) is None
    for other in ({"frame": guides.frame + 1e-6}, {"masks": guides.masks / 2}, {"index": 6}, {"time": 0.5}):
        assert first(settings()).found(replace(guides, **other), regions) is None, other
    with threads(torch.get_num_threads() + 1):  # sums are taken in another order
        assert first(settings()).found(guides, regions) is None
    monkeypatch.setattr(first_frames, "code_version", lambda: {"sha256": "of another day"})
    assert first(settings()).found(guides, regions) is None


def test_a_predicted_start_counts_by_its_network_and_styles() -> None:
    guides, regions = shot()
    write_any_style("any.safetensors")
    shutil.copy("any.safetensors", "same.safetensors")
    write_any_style("other.safetensors", seed=1)
    write_image("photo.png", (guides.frame[0].permute(1, 2, 0).numpy() * 255).astype("uint8"))

    def predicted(network: str, *more: str) -> Settings:
        return settings("schedule.start=predicted", f"predicted.network={network}.safetensors", *more)

    first(predicted("any")).keep(guides, regions, result(settings(), guides))
    assert first(predicted("same")).found(guides, regions) is not None
    assert first(predicted("other")).found(guides, regions) is None
    assert first(predicted("any", "predicted.content=0.5")).found(guides, regions) is None
    write_image("photo.png", (guides.frame[0].permute(1, 2, 0).numpy() * 200).astype("uint8"))
    assert first(predicted("any")).found(guides, regions) is None


def test_a_damaged_result_is_told_of_and_not_taken(caplog: pytest.LogCaptureFixture) -> None:
    guides, regions = shot()
    first(settings()).keep(guides, regions, result(settings(), guides))
    (path,) = Path("cache").glob("*.npz")
    path.write_bytes(path.read_bytes()[:-9])
    assert first(settings()).found(guides, regions) is None
    assert "is damaged; it is computed again" in caplog.text
