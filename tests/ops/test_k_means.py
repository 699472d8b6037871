import numpy as np
import pytest
from beartype import beartype
from jaxtyping import jaxtyped
from scipy.cluster.vq import kmeans2, vq

from photovst.errors import SettingsError
from photovst.ops import k_means as module

k_means = jaxtyped(typechecker=beartype)(module.k_means)
nearest = jaxtyped(typechecker=beartype)(module.nearest)
RANDOM = np.random.default_rng(0)
POINTS = np.concatenate([RANDOM.normal(place, 0.3, (500, 5)) for place in (-1, 0, 1)]).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_the_centers_of_scipy_from_the_same_seed(count: int) -> None:
    theirs, _ = kmeans2(POINTS, count, 40, minit="++", rng=np.random.default_rng(3))
    ours = k_means(POINTS, count, 40, np.random.default_rng(3))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_clumps_far_apart_are_the_clusters_at_any_start() -> None:
    clumps = np.repeat(np.array([[0, 0], [100, 0], [0, 100]], np.float32), 7, axis=0)
    for seed in range(5):
        centers = k_means(clumps, 3, 40, np.random.default_rng(seed))
        assert sorted(map(tuple, centers)) == [(0, 0), (0, 100), (100, 0)]


def test_nearest_is_scipys_and_the_lower_of_two_as_near() -> None:
    centers = RANDOM.normal(0, 1, (4, 5)).astype(np.float32)
    np.testing.assert_array_equal(nearest(POINTS, centers), vq(POINTS, centers)[0])
    np.testing.assert_array_equal(nearest(np.zeros((3, 2)), np.array([[1.0, 0], [0, 1], [-1, 0]])), [0, 0, 0])


def test_a_cluster_without_points_is_told() -> None:
    # Two places for three centers: after the first split one of them has nothing left.
    points = np.repeat(np.array([[0.0], [1.0]], np.float32), 4, axis=0)
    assert k_means(points, 2, 40, np.random.default_rng(0)) is not None
    assert k_means(np.array([[0.0], [1.0], [1.0]], np.float32), 2, 40, np.random.default_rng(0)) is not None
    assert k_means(points, 3, 40, np.random.default_rng(0)) is None


@pytest.mark.parametrize(("count", "iterations"), [(0, 1), (1, 0)])
def test_at_least_one_of_each(count: int, iterations: int) -> None:
    with pytest.raises(SettingsError, match=f"got {count} clusters and {iterations} iterations; give at least 1"):
        k_means(POINTS, count, iterations, np.random.default_rng(0))
