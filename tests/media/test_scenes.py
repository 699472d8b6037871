"""Procedural scenes: exact truth, held against brute force, closed forms and the pictures themselves."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest

from photovst.errors import MediaError, SettingsError
from photovst.media.scene_layers import Layer, displacement, fractional_taps, front_layer, occluded
from photovst.media.scene_motion import Motion, to_and_fro
from photovst.media.scene_noise import fractal_noise, white_noise
from photovst.media.scene_terrain import visible_slice
from photovst.media.scenes import LABELS, Look, Scene, photograph

SIZE = (144, 256)
T = 5
WHOLE = Scene(3, Look.day, (64, 200), 2, camera_speed=100 / 64, cloud_speed=0, with_objects=False)
"""A scene in which every layer moves by a whole number of pixels: 100 times its parallax."""


@lru_cache(maxsize=8)
def scene(look: Look = Look.day, seed: int = 3) -> Scene:
    return Scene(seed, look, SIZE, frames=24, camera_speed=0.010)


def warped(image, flow, interpolation=cv2.INTER_CUBIC):
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(image, x + flow[..., 0], y + flow[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("look", Look)
def test_next_and_previous_frames_warped_by_the_flow_give_the_frame(look):
    clip = scene(look)
    frame = clip.frame(T).astype(np.float32)
    for other, flow, hidden in (
        (clip.frame(T + 1), clip.flow_to_next(T), clip.occlusion_to_next(T)),
        (clip.frame(T - 1), clip.flow_to_previous(T), clip.occlusion_to_previous(T)),
    ):
        error = np.abs(warped(other.astype(np.float32), flow) - frame)[~hidden].mean()
        wrong = np.abs(warped(other.astype(np.float32), -flow) - frame)[~hidden].mean()
        assert error < 1.5
        assert wrong > 2.5 * error
        assert 0 < hidden.mean() < 0.15


@pytest.mark.parametrize("clip", [scene(), WHOLE], ids=["sub-pixel", "whole pixels"])
def test_forward_and_backward_flow_cancel_outside_occlusions(clip):
    t = min(T, clip.frames - 2)
    forward, hidden = clip.flow_to_next(t), clip.occlusion_to_next(t)
    back = warped(clip.flow_to_previous(t + 1), forward, cv2.INTER_NEAREST)
    error = np.abs(forward + back).max(axis=2)
    assert np.mean(error[~hidden] > 1e-4) <= (0 if clip is WHOLE else 0.03)
    assert np.mean(error[hidden] > 1e-4) > 0.3


def identities(clip, t):
    """Layer and texture coordinates seen at every pixel, by plain integer indexing."""
    seen = np.zeros((*clip.size, 3), int)
    for index, (layer, offset) in enumerate(zip(clip._layers, clip._offsets(t), strict=True)):
        left, top = round(layer.x0 + offset[0]), round(layer.y0 + offset[1])
        for y in range(clip.size[0]):
            for x in range(clip.size[1]):
                r, c = y - top, x - left
                inside = 0 <= r < layer.rgba.shape[0] and 0 <= c < layer.rgba.shape[1]
                if inside and layer.rgba[r, c, 3] >= 128:
                    seen[y, x] = index, r, c
    return seen


def test_occlusion_flow_and_labels_agree_with_brute_force_at_whole_pixels():
    now, then = identities(WHOLE, 0), identities(WHOLE, 1)
    where = {tuple(point): (y, x) for y, row in enumerate(then.tolist()) for x, point in enumerate(row)}
    hidden, flow, labels = WHOLE.occlusion_to_next(0), WHOLE.flow_to_next(0), WHOLE.labels(0)
    after = WHOLE.labels(1)
    for y, row in enumerate(now.tolist()):
        for x, point in enumerate(row):
            found = where.get(tuple(point))
            assert (found is None) == hidden[y, x]
            assert labels[y, x] == WHOLE._layers[point[0]].label[point[1], point[2]]
            if found is not None:
                assert (found[1] - x, found[0] - y) == tuple(np.round(flow[y, x], 4))
                assert after[found] == labels[y, x]
    assert len(np.unique(flow[..., 0])) >= 5


@pytest.mark.parametrize("shift", [0.25, 1.75, 3.0, -2.4])
def test_occlusion_by_a_straight_edge_at_sub_pixel_motion(shift):
    back = Layer("back", np.full((9, 80, 4), 255, np.uint8), np.zeros((9, 80), np.uint8), -10, 0)
    front = Layer("front", np.full((9, 20, 4), 255, np.uint8), np.ones((9, 20), np.uint8), 20, 0)
    start, end = [(0.0, 0.0), (0.0, 0.0)], [(0.0, 0.0), (shift, 0.0)]
    seen = front_layer([back, front], start, (9, 60))
    x = np.arange(60)
    assert np.array_equal(seen[4] == 1, (x >= 20) & (x < 40))
    hidden = occluded([back, front], start, end, seen)
    covers = (x > 19.5 + shift) & (x < 39.5 + shift)
    assert np.array_equal(hidden[4], covers & (seen[4] == 0))
    assert np.allclose(displacement(seen, start, end)[4, :, 0], np.where(seen[4] == 1, shift, 0))


def test_labels_are_kept_along_the_flow():
    clip = scene()
    after = warped(clip.labels(T + 1), clip.flow_to_next(T), cv2.INTER_NEAREST)
    visible = ~clip.occlusion_to_next(T)
    assert np.mean((after == clip.labels(T))[visible]) > 0.96
    assert set(np.unique(clip.labels(T))) == set(range(len(LABELS)))


def test_frames_do_not_depend_on_order_instance_or_length_of_clip():
    clip, again = scene(), replace(scene())
    first = clip.frame(T)
    clip.frame(T + 3)
    assert np.array_equal(first, clip.frame(T))
    assert np.array_equal(again.frame(T), first)
    one = photograph(Look.day, 3, SIZE).astype(int)
    assert np.abs(one - clip.frame(0)).max() <= 1
    assert np.abs(one - scene(seed=4).frame(0)).mean() > 10


def test_looks_share_their_geometry():
    day, night = scene(), scene(Look.night)
    assert np.array_equal(day.flow_to_next(T), night.flow_to_next(T))
    assert np.array_equal(day.occlusion_to_next(T), night.occlusion_to_next(T))
    assert np.array_equal(day.labels(T), night.labels(T))
    assert np.abs(day.frame(T).astype(int) - night.frame(T)).mean() > 30


@pytest.mark.parametrize("with_water", [True, False])
def test_nothing_moves_under_a_still_camera_without_wind_and_objects(with_water):
    still = Scene(1, Look.autumn, (64, 96), 4, camera_speed=0, cloud_speed=0, with_objects=False)
    still = replace(still, with_water=with_water)
    assert not still.flow_to_next(1).any()
    assert not still.occlusion_to_next(1).any()
    assert np.array_equal(still.frame(1), still.frame(3))
    assert (LABELS.index("water") in still.labels(1)) == with_water


def test_a_moving_object_carries_its_pixels_along():
    clip = Scene(3, Look.night, SIZE, 9, camera_speed=0, cloud_speed=0, object_speed=1 / SIZE[0])
    index = [layer.name for layer in clip._layers].index("sail boat")
    boat = front_layer(clip._layers, clip._offsets(0), SIZE) == index
    rows, columns = np.nonzero(boat)
    layer, (x, y) = clip._layers[index], clip._offsets(0)[index]
    solid = np.zeros(SIZE, bool)  # not the reflection's lower end, which lets the lake shine through
    top, left = round(layer.y0 + y), round(layer.x0 + x)
    solid[top : top + layer.label.shape[0], left : left + layer.label.shape[1]] = layer.rgba[..., 3] == 255
    assert solid.sum() > 50
    assert np.allclose(clip.flow_to_next(0)[boat], (1, 0), atol=1e-4)
    later = np.roll(clip.frame(8), -8, axis=1)
    assert np.abs(later.astype(int) - clip.frame(0))[solid].max() <= 1
    assert np.all(clip.labels(8)[rows, columns + 8][~clip.occlusion_to_next(0)[boat]] == LABELS.index("moving object"))


def test_what_crosses_comes_back_only_out_of_view():
    clip = Scene(3, Look.day, (64, 96), 4000, object_speed=0.02)
    for layer, motion in clip._placed:
        before = motion.offset(0, 64)[0]
        for t in range(1, 1500):
            now = motion.offset(t, 64)[0]
            if abs(now - before) > 10:
                assert layer.x0 + before > 96 or layer.x0 + before + layer.label.shape[1] < 0
                assert layer.x0 + now > 96 or layer.x0 + now + layer.label.shape[1] < 0
            before = now


def test_layers_cover_the_picture_wherever_a_long_clip_takes_the_camera():
    clip = Scene(5, Look.day, (64, 96), 10**6, camera_speed=0.11, cloud_speed=0.05)
    assert sum(layer.rgba.nbytes for layer, _ in clip._placed) < 100 * 64 * 96
    for t in (7, 13, 14, 40, 41, 999_000):
        offsets = clip._offsets(t)
        for layer, offset in zip(clip._layers, offsets, strict=True):
            if layer.name in ("sky", "bank", "shore"):
                assert layer.x0 + offset[0] <= 0
                assert layer.x0 + offset[0] + layer.label.shape[1] >= 96


def test_looks_look_their_part():
    frames = {look: scene(look).frame(T).astype(float) / 255 for look in Look}
    labels = scene().labels(T)
    luma = {look: frame @ [0.299, 0.587, 0.114] for look, frame in frames.items()}
    red_minus_blue = {look: (f[..., 0] - f[..., 2]).mean() for look, f in frames.items()}
    assert min(luma, key=lambda look: luma[look].mean()) is Look.night
    assert max(red_minus_blue, key=red_minus_blue.get) is Look.sunset
    ground = labels == LABELS.index("ground")
    assert luma[Look.winter][ground].mean() > luma[Look.day][ground].mean() + 0.15
    mountain = cv2.erode((labels == LABELS.index("mountain")).astype(np.uint8), np.ones((5, 5))) > 0
    assert luma[Look.fog][mountain].std() < 0.4 * luma[Look.day][mountain].std()
    lamps = labels == LABELS.index("building")
    assert np.quantile(luma[Look.night][lamps], 0.97) > 3 * np.median(luma[Look.night][lamps])
    for frame in frames.values():
        flat = cv2.blur(frame**2, (9, 9)) - cv2.blur(frame, (9, 9)) ** 2
        assert np.mean(flat.max(axis=2)[:40] > 1e-7) > 0.97  # even the sky has grain


@pytest.mark.parametrize("size", [(64, 64), (32, 90), (120, 50)])
def test_any_size(size):
    clip = Scene(2, Look.sunset, size, 3)
    assert clip.frame(1).shape == (*size, 3)
    assert clip.frame(1).dtype == np.uint8
    assert clip.flow_to_next(1).shape == (*size, 2)
    assert clip.flow_to_next(1).dtype == np.float32
    assert clip.occlusion_to_previous(1).dtype == np.bool_


def test_the_picture_scales_with_its_size():
    small, large = photograph(Look.day, 6, (72, 128)), photograph(Look.day, 6, (216, 384))
    reduced = cv2.resize(large, (128, 72), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(small.ravel(), reduced.ravel())[0, 1] > 0.93


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"size": (16, 300)}, r"at least 32 pixels each, got \(16, 300\)"),
        ({"frames": 0}, "at least 1 frame, got 0"),
        ({"camera_speed": float("nan")}, "frame heights per frame, 4.0 at most"),
    ],
)
def test_impossible_scenes_are_refused(change, message):
    with pytest.raises(SettingsError, match=message):
        replace(scene(), **change)


def test_frames_outside_the_clip_are_refused():
    with pytest.raises(MediaError, match="frames 0 to 23, and frame 24 was asked for"):
        scene().flow_to_next(23)
    with pytest.raises(MediaError, match="frame -1 was asked for"):
        scene().flow_to_previous(0)


def test_to_and_fro_is_a_triangle_wave():
    assert [to_and_fro(x, 2.0) for x in (0, 1, 2, 3, 5, 7, 8, 9, -1, -3)] == [
        0,
        1,
        2,
        1,
        -1,
        -1,
        0,
        1,
        -1,
        -1,
    ]
    assert to_and_fro(5.0, 0.0) == 0
    assert Motion(0.5, pan=0.1, pan_reach=9).offset(4, 100) == pytest.approx((-20, 0))


def test_noise_is_anchored_in_the_world():
    x, y = np.arange(40) / 7.3, np.arange(30) / 5.1
    whole = fractal_noise(9, x, y, 1.0, 4)
    assert np.allclose(fractal_noise(9, x[11:], y[4:], 1.0, 4), whole[4:, 11:], atol=1e-6)
    assert np.array_equal(white_noise(1, -5, 3, 8, 9)[2:, 4:], white_noise(1, -1, 5, 6, 5))
    assert np.abs(np.corrcoef(whole.ravel(), fractal_noise(10, x, y, 1.0, 4).ravel())[0, 1]) < 0.5


def test_fractional_taps_shift_a_smooth_signal():
    t = np.arange(64)
    signal = np.sin(t * 0.5)
    for fraction in (0.0, 0.3, 0.5, 0.9):
        taps = fractional_taps(fraction)
        assert taps.sum() == pytest.approx(1, abs=1e-6)
        shifted = np.correlate(signal, taps, "valid")
        assert np.allclose(shifted, np.sin((t[2:-3] + fraction) * 0.5), atol=0.01)


def test_visible_slice_agrees_with_looking_along_every_ray():
    rng = np.random.default_rng(0)
    y = (30 - np.arange(25)[:, None] * 0.8 + rng.normal(0, 3, (25, 12))).astype(np.float32)
    depth = visible_slice(y, 32)
    for row in range(32):
        for column in range(12):
            hits = np.nonzero(y[:, column] <= row + 0.5)[0]
            if len(hits) == 0:
                assert depth[row, column] == -1
            else:
                assert hits[0] - 1 <= depth[row, column] <= hits[0]
                if hits[0] > 0:
                    at = np.interp(depth[row, column], np.arange(25), y[:, column])
                    assert at == pytest.approx(row + 0.5, abs=1e-2)
