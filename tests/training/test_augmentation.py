import numpy as np
import pytest
import torch

from photovst.errors import SettingsError
from photovst.ops.warp import warp
from photovst.training.augmentation import Augmentation, View

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_a_view_at_scale_1_is_the_window_itself() -> None:
    view = View(top=5, left=7, window=(16, 24), size=(16, 24), flipped=False)
    frame = view.frame(PICTURE)
    assert np.array_equal((frame * 255).round().numpy().transpose(1, 2, 0), PICTURE[5:21, 7:31])


def test_mirrored_flow_warps_the_mirrored_frames() -> None:
    earlier, current = PICTURE[:, 10:50], PICTURE[:, 7:47]  # what is at x now was at x - 3
    flow = np.broadcast_to(np.float32([-3, 0]), (40, 40, 2))
    for flipped in (False, True):
        view = View(4, 4, (32, 32), (32, 32), flipped)
        vectors = view.flow(view.cut(flow))
        assert vectors[0, 0, 0] == (3 if flipped else -3)
        certainty = view.certainty(np.ones((32, 32), np.float32), vectors)
        assert certainty.sum() == 32 * 29  # three columns come from outside the crop
        warped = warp(view.frame(earlier)[None], vectors[None])[0]
        assert torch.equal(warped * certainty, view.frame(current) * certainty)


def test_flow_is_rescaled_with_the_window_on_each_axis() -> None:
    view = View(0, 0, (40, 60), (20, 20), flipped=False)
    flow = view.flow(np.broadcast_to(np.float32([6, 4]), (40, 60, 2)))
    assert torch.equal(flow, torch.tensor([2.0, 2.0])[:, None, None].expand(2, 20, 20))


def test_flow_and_labels_of_two_surfaces_are_never_mixed() -> None:
    left_of_it = np.arange(60)[None, :, None] < 25
    flow = np.where(left_of_it, np.float32([3, 0]), np.float32([-3, 0])) * np.ones((40, 1, 1), np.float32)
    labels = np.where(left_of_it[..., 0], np.uint8(0), np.uint8(4)) * np.ones((40, 1), np.uint8)
    view = View(0, 0, (40, 60), (27, 41), flipped=True)
    assert set(np.round(view.flow(flow)[0].unique().numpy() / (41 / 60), 4)) == {-3.0, 3.0}
    assert view.labels(labels).unique().tolist() == [0, 4]


def test_certainty_is_0_where_the_nearest_pixel_is_hidden() -> None:
    hidden = np.ones((40, 60), np.float32)
    hidden[10:20, 30:] = 0
    view = View(0, 0, (40, 60), (28, 42), flipped=False)
    certainty = view.certainty(hidden, torch.zeros(2, 28, 42))[0]
    nearest = hidden[((np.arange(28) + 0.5) * 40 / 28).astype(int)][:, ((np.arange(42) + 0.5) * 60 / 42).astype(int)]
    assert not certainty.numpy()[nearest == 0].any()
    assert (certainty > 0).numpy()[nearest == 1].all()


def test_views_stay_in_the_picture_and_keep_to_the_scale() -> None:
    rng = np.random.default_rng(0)
    views = [Augmentation((1.0, 1.5)).view(rng, (40, 60), (16, 24)) for _ in range(200)]
    for view in views:
        assert 0 <= view.top <= 40 - view.window[0]
        assert 0 <= view.left <= 60 - view.window[1]
        assert 16 <= view.window[0] <= 24
    assert {view.flipped for view in views} == {False, True}
    assert len({view.window for view in views}) > 5
    assert not any(Augmentation(flip=False).view(rng, (40, 60), (16, 24)).flipped for _ in range(20))


def test_a_picture_smaller_than_the_sample_is_enlarged() -> None:
    view = Augmentation().view(np.random.default_rng(0), (40, 60), (80, 80))
    assert view.window == (40, 40)
    assert view.frame(PICTURE).shape == (3, 80, 80)


def test_scales_are_checked() -> None:
    with pytest.raises(SettingsError, match=r"scale=1.5,1.0 .* least and the most"):
        Augmentation((1.5, 1.0))
