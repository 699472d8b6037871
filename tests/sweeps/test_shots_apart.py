"""Shots stylized apart end with the bytes of a run in order, wherever either is stopped."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from media.synthetic import pattern
from random_networks import write_any_style
from small_runs import states, write_clip

from photovst.config import Settings
from photovst.errors import MediaError, SettingsError
from photovst.guidance import survey
from photovst.media.clip import open_clip
from photovst.media.images import write_image
from photovst.media.records import excerpt
from photovst.media.shots import detect_shots
from photovst.progress import Progress
from photovst.run import RunFolder, read_records
from photovst.settings_io import load_settings
from photovst.stylize import stylize_clip
from photovst.sweeps.shots_apart import ShotOrder, do_order, stylize_shots_apart

CUTS, FRAMES = (3, 7), 10


class Silent:
    def show(self, event: dict) -> None:
        pass

    def close(self) -> None:
        pass


class Killed(BaseException):
    """Ends a run in this process, as nothing in it expects."""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of three shots of three and four frames."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(survey, "detect_shots", functools.partial(detect_shots, shortest=3))
    pictures = [pattern(t) if not CUTS[0] <= t < CUTS[1] else 255 - pattern(2 * t) for t in range(FRAMES)]
    write_clip("clip.mkv", pictures)
    write_image("photo.png", pattern(30)[:, ::-1])


def settings(output: str, *more: str) -> Settings:
    quick = ("schedule.scales=[32]", "schedule.iterations=[4]", "schedule.next_iterations=[2]", "device=cpu")
    given = (*quick, "cache.folder=cache", "segmentation.regions=2", "segmentation.persistence=0.8", *more)
    return load_settings(overrides=given, last={"content": "clip.mkv", "style": "photo.png", "output": output})


def stylized(output: str, send: object = None, tasks: int = 8, more: tuple[str, ...] = ()) -> Path:
    first = None if send is None else functools.partial(stylize_shots_apart, send=send, tasks=tasks)
    stylize_clip(settings(output, *more), progress=Progress(Silent()), first=first)
    return Path(output).with_suffix(".run")


def here(orders: Sequence[ShotOrder]) -> Iterator[None]:
    """Orders done in this process, the last one first."""
    for order in reversed(orders):
        do_order(order, Progress(Silent()))
        yield None


@functools.cache
def losses(folder: Path) -> list[tuple[int, float]]:
    return [(record["frame"], record["loss"]) for record in read_records(folder)]


def assert_same(one: Path, other: Path) -> None:
    assert one.with_suffix(".mp4").read_bytes() == other.with_suffix(".mp4").read_bytes()
    assert states(one) == states(other)
    assert losses(one.resolve()) == losses(other.resolve())
    assert not (other / "shots").exists()


@pytest.mark.parametrize("tasks", [1, 8])
def test_bytes_are_those_of_a_run_in_order(tasks: int) -> None:
    sent: list[ShotOrder] = []

    def send(orders: Sequence[ShotOrder]) -> Iterable[None]:
        sent.extend(orders)
        return here(orders)

    assert_same(stylized("a.mp4"), stylized("b.mp4", send, tasks))
    assert [order.shots for order in sent] == {1: [(0, 1, 2)], 8: [(0,), (1,), (2,)]}[tasks]
    assert [order.name for order in sent] == ([*["shots 1-3"]] if tasks == 1 else ["shot 1", "shot 2", "shot 3"])
    for order in sent:
        inside = {i for n in order.shots for i in range(order.overview.shots[n].first, order.overview.shots[n].stop)}
        assert set(order.overview.thumbnails) <= inside


def test_predicted_shots_are_those_of_a_run_in_order() -> None:
    write_any_style("any.safetensors")
    more = ("styler=predicted", "predicted.network=any.safetensors", "predicted.steadiness=0.5")
    one, other = stylized("a.mp4", more=more), stylized("b.mp4", here, more=more)
    assert states(one) == states(other)
    assert one.with_suffix(".mp4").read_bytes() == other.with_suffix(".mp4").read_bytes()


def test_a_failed_order_leaves_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(orders: Sequence[ShotOrder]) -> Iterator[MediaError | None]:
        do_order(orders[0], Progress(Silent()))
        yield None
        yield MediaError("the disk is gone")

    with pytest.raises(MediaError, match="the disk is gone"):
        stylized("b.mp4", fails)
    assert sorted(states("b.run")) == ["000000.npz", "000001.npz", "000002.npz"]
    again: list[ShotOrder] = []

    def send(orders: Sequence[ShotOrder]) -> Iterable[None]:
        again.extend(orders)
        return here(orders)

    stylized("b.mp4", send)
    assert [order.shots for order in again] == [(1,), (2,)]
    assert_same(stylized("a.mp4"), Path("b.run"))


def test_stopped_inside_a_shot_and_while_states_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    saved, replaced = 0, 0
    save, replace = RunFolder.save_carry, Path.replace

    def save_carry(self: RunFolder, *arguments: object) -> None:
        nonlocal saved
        save(self, *arguments)
        saved += 1
        if saved == 5:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_carry", save_carry)
        with pytest.raises(Killed):
            stylized("b.mp4", here)
    assert len(list(Path("b.run/shots").glob("*/state/[0-9]*.npz"))) == 2

    def replace_some(self: Path, target: Path) -> Path:
        nonlocal replaced
        if self.parent.parent.parent.name == "shots":
            replaced += 1
            if replaced == 3:
                raise Killed
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_some)
        with pytest.raises(Killed):
            stylized("b.mp4", here)
    stylized("b.mp4", here)
    assert_same(stylized("a.mp4"), Path("b.run"))


def test_a_run_begun_in_order_goes_on_apart_and_the_other_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = stylized("a.mp4")
    for name in ("b", "c"):
        shutil.copytree(whole, f"{name}.run")
        (Path(f"{name}.run") / "finished.json").unlink()
        Path(f"{name}.run/state/000004.npz").unlink()
    assert_same(whole, stylized("b.mp4", here))
    assert_same(whole, stylized("c.mp4"))


def test_another_device_than_ordered() -> None:
    def send(orders: Sequence[ShotOrder]) -> Iterable[None]:
        orders[0].key["device"] = "cuda:0"
        return here(orders[:1])

    with pytest.raises(SettingsError, match="are to be stylized on cuda:0, but this worker has cpu; set device=cpu"):
        stylized("b.mp4", send)


def test_an_excerpt_keeps_numbers_and_times() -> None:
    clip = open_clip("clip.mkv")
    every, some = list(clip), list(excerpt(clip, range(3, 7)))
    assert [frame.index for frame in some] == [3, 4, 5, 6]
    assert [(f.time, f.duration) for f in some] == [(f.time, f.duration) for f in every[3:7]]
    assert all((a.image == b.image).all() for a, b in zip(some, every[3:7], strict=True))
    assert len(list(excerpt(clip, range(3, 7)).thumbnails(16))) == 4


def test_shots_with_keyframes_are_those_of_a_run_in_order() -> None:
    every = ("schedule.keyframes.kind=every", "schedule.keyframes.every=2")
    apart, whole = stylized("apart.mp4", here, more=every), stylized("whole.mp4", more=every)
    assert_same(apart, whole)
    assert states(apart).keys() == {f"{index:06d}.npz" for index in (0, 2, 3, 5, 6, 7, 9)}
    assert {path.name for path in (apart / "state" / "shown").iterdir()} == {
        path.name for path in (whole / "state" / "shown").iterdir()
    }
