from dataclasses import replace

import numpy as np
import pytest
import torch

from photovst.errors import SettingsError
from photovst.media.scenes import LABELS, Look, Scene
from photovst.ops.warp import warp
from photovst.training import painted_scenes
from photovst.training.array_store import ArrayStore
from photovst.training.augmentation import Augmentation, View
from photovst.training.painted_scenes import PaintedScenes
from photovst.training.procedural import Procedural, motion

WHOLE = View(0, 0, (48, 48), (48, 48), flipped=False)
AS_IS = Augmentation((1.0, 1.0), flip=False)


def test_flow_is_the_scenes_own_and_certain_only_where_both_frames_show_it(
    painted: tuple[PaintedScenes, Scene],
) -> None:
    scenes, scene = painted
    for t, other in ((0, 1), (4, 0), (1, 6)):
        flow, certainty = motion(scenes.clip(0), t, other, WHOLE)
        assert np.array_equal(flow.numpy().transpose(1, 2, 0), scene.flow(t, other))
        seen = ~scene.occlusion(t, other)
        certain = certainty[0].numpy() > 0
        # A pixel at the rim of what covers it may be seen by a hair and told hidden, or by a hair the other way.
        assert (certain & ~seen).mean() < 0.01
        assert (certain & seen).sum() > 0.8 * seen.sum()


def test_the_earlier_frames_warped_show_the_current_one_where_certain(scenes: PaintedScenes) -> None:
    for seed in range(6):
        sample = Procedural(scenes, AS_IS).sample(np.random.default_rng(seed), (32, 40), (1, 3))
        warped = warp(sample.frames[:-1], sample.flow)
        off = ((warped - sample.frames[-1:]).abs().mean(dim=1, keepdim=True) * sample.certainty).flatten(1).sum(1)
        unmoved = (sample.frames[:-1] - sample.frames[-1:]).abs().mean(1, keepdim=True) * sample.certainty
        assert (off / sample.certainty.flatten(1).sum(1) < 0.02).all()
        moving = sample.flow.abs().flatten(1).mean(1) > 0.5
        assert (off < 0.7 * unmoved.flatten(1).sum(1))[moving].all()
        assert sample.certainty.mean() > 0.5


def test_frames_come_farthest_first_and_know_their_labels(scenes: PaintedScenes) -> None:
    sample = Procedural(scenes, fastest=1).sample(np.random.default_rng(0), (32, 40), (1, 5))
    assert sample.frames.shape == (3, 3, 32, 40)
    assert sample.labels.shape == (3, 32, 40)
    assert sample.labels.max() < len(LABELS)
    far, near = sample.flow.norm(dim=1).mean(dim=(1, 2))
    assert far > 3 * near


def test_both_orders_of_time_are_drawn(scenes: PaintedScenes) -> None:
    source = Procedural(scenes, AS_IS, fastest=1)
    samples = [source.sample(np.random.default_rng(seed), (48, 48), (1,)) for seed in range(12)]
    signs = {float(torch.sign(sample.flow[0, 0].sum())) for sample in samples}
    assert signs == {-1.0, 1.0}


def test_looks_take_turns_and_painting_is_done_once(scenes: PaintedScenes, monkeypatch: pytest.MonkeyPatch) -> None:
    foggy = replace(scenes, looks=(Look.fog, Look.night), count=3)
    assert [foggy.scene(index).look for index in range(3)] == [Look.fog, Look.night, Look.fog]
    assert len({foggy.scene(index).camera_speed for index in range(3)}) == 3
    scenes.paint()
    monkeypatch.setattr(painted_scenes, "_painted", None)
    again = replace(scenes, store=ArrayStore(scenes.store.folder))
    again.paint()
    assert np.array_equal(again.clip(0).frames, scenes.clip(0).frames)


def test_painting_tells_how_far_it_is(store: ArrayStore, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = {name: np.zeros(1) for name in ("frames", "front", "labels", "offsets")}
    monkeypatch.setattr(painted_scenes, "_painted", lambda scene: empty)
    done: list[tuple[int, int]] = []
    PaintedScenes(store, count=3).paint(lambda count, of: done.append((count, of)))
    assert done == [(1, 3), (2, 3), (3, 3)]
    done.clear()
    PaintedScenes(store, count=4).paint(lambda count, of: done.append((count, of)))
    assert done == [(4, 4)]


def test_errors(scenes: PaintedScenes) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match="procedural scenes have 7 frames, and a distance of 7"):
        Procedural(scenes).sample(rng, (32, 40), (7,))
    with pytest.raises(SettingsError, match=r"distances=\[1, 1\]"):
        Procedural(scenes).sample(rng, (32, 40), (1, 1))
    with pytest.raises(SettingsError, match="0 looks"):
        replace(scenes, looks=())
