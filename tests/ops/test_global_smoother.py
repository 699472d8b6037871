import inspect

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from beartype import beartype
from jaxtyping import jaxtyped

from photovst.errors import MediaError, SettingsError
from photovst.ops import global_smoother as module

global_smoother = jaxtyped(typechecker=beartype)(module.global_smoother)
RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.random((2, 11, 13), np.float32)
GUIDE = RANDOM.random((3, 11, 13), np.float32)


def test_one_row_solves_the_weighted_least_squares_system() -> None:
    guide, image = GUIDE[:, :1], IMAGE[:, :1]
    weights = np.exp(-np.sqrt((np.diff(guide[:, 0].astype(float), axis=1) ** 2).sum(axis=0)) / 0.3)
    difference = scipy.sparse.diags_array([-np.ones(12), np.ones(12)], offsets=[0, 1], shape=(12, 13))
    laplacian = difference.T @ scipy.sparse.diags_array(weights) @ difference
    # One iteration's strength is 1.5 / 3 of the whole [Min2014]; down a single row there is nothing to smooth.
    system = (scipy.sparse.eye_array(13) + 0.5 * 40 * laplacian).tocsc()
    expected = scipy.sparse.linalg.spsolve(system, image[:, 0].T.astype(float)).T
    np.testing.assert_allclose(global_smoother(guide, image, 40.0, 0.3, 1)[:, 0], expected, atol=1e-6)


def test_a_constant_stays_and_every_plane_keeps_its_mean() -> None:
    constant = np.full_like(IMAGE, 0.3)
    np.testing.assert_allclose(global_smoother(GUIDE, constant, 1e4, 0.1), constant, atol=1e-6)
    smoothed = global_smoother(GUIDE, IMAGE, 1e4, 0.1)
    np.testing.assert_allclose(smoothed.mean(axis=(1, 2)), IMAGE.mean(axis=(1, 2)), atol=1e-6)
    assert smoothed.std() < 0.5 * IMAGE.std()
    assert smoothed.min() >= IMAGE.min()
    assert smoothed.max() <= IMAGE.max()


def test_no_strength_is_the_identity() -> None:
    np.testing.assert_array_equal(global_smoother(GUIDE, IMAGE, 0.0, 0.1), IMAGE)


def test_halves_of_a_step_become_even_and_do_not_mix() -> None:
    guide = np.zeros((1, 20, 30), np.float32)
    guide[:, :, 12:] = 1
    image = guide + 0.1 * RANDOM.standard_normal(guide.shape, np.float32)
    smoothed = global_smoother(guide, image, 1e6, 0.02)
    for half in (slice(0, 12), slice(12, 30)):
        np.testing.assert_allclose(smoothed[..., half], image[..., half].mean(), atol=2e-3)


def test_turning_the_picture_over_turns_the_result_over() -> None:
    turned = global_smoother(GUIDE[:, ::-1, ::-1].copy(), IMAGE[:, ::-1, ::-1].copy(), 100.0, 0.2)
    np.testing.assert_allclose(turned[:, ::-1, ::-1], global_smoother(GUIDE, IMAGE, 100.0, 0.2), atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2)])
def test_thin_and_tiny(size: tuple[int, int]) -> None:
    image = RANDOM.random((2, *size), np.float32)
    smoothed = global_smoother(np.zeros((1, *size), np.float32), image, 1e9, 0.1)
    np.testing.assert_allclose(
        smoothed, np.broadcast_to(image.mean(axis=(1, 2), keepdims=True), image.shape), atol=1e-3
    )


@pytest.mark.parametrize(("strength", "contrast", "iterations"), [(-1, 0.1, 3), (1, 0, 3), (1, 0.1, 0)])
def test_settings_are_checked(strength: float, contrast: float, iterations: int) -> None:
    plain = inspect.unwrap(module.global_smoother)
    with pytest.raises(SettingsError, match="give at least 0, more than 0 and at least 1"):
        plain(GUIDE, IMAGE, strength, contrast, iterations)


def test_sizes_are_checked() -> None:
    with pytest.raises(MediaError, match="give both the same size"):
        inspect.unwrap(module.global_smoother)(GUIDE, IMAGE[:, 1:], 1.0, 0.1)
