import numpy as np

from photovst.guidance.color_masks import COLORS, near, snap, without

PALETTE = np.array(list(COLORS.values()))


def test_the_nine_colors_are_their_own_labels() -> None:
    codes = ["0000ff", "00ff00", "000000", "ffffff", "ff0000", "ffff00", "808080", "00ffff", "ff00ff"]
    assert [bytes(color).hex() for color in COLORS.values()] == codes
    picture = PALETTE.astype(np.uint8).reshape(3, 3, 3)
    np.testing.assert_array_equal(snap(picture), np.arange(9).reshape(3, 3))


def test_snap_matches_brute_force() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (23, 31, 3), np.uint8)
    labels = snap(picture)
    assert labels.dtype == np.int64
    for y, x in np.ndindex(labels.shape):
        distances = [
            sum((int(a) - int(b)) ** 2 for a, b in zip(picture[y, x], color, strict=True)) for color in PALETTE
        ]
        assert labels[y, x] == distances.index(min(distances))


def test_antialiased_and_compressed_colors_go_to_the_nearest() -> None:
    noise = np.random.default_rng(0).integers(-40, 41, (9, 50, 3))
    painted = np.clip(PALETTE[:, None] + noise, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(snap(painted), np.repeat(np.arange(9)[:, None], 50, axis=1))


def test_removed_labels_go_to_the_nearest_in_the_picture() -> None:
    labels = np.array([[1, 1, 7, 7, 2], [1, 8, 7, 2, 2]])
    filled = without(labels, {7, 8})
    np.testing.assert_array_equal(filled, [[1, 1, 1, 2, 2], [1, 1, 2, 2, 2]])
    assert filled.dtype == np.int64
    random = np.random.default_rng(0).integers(0, 5, (12, 15))
    filled = without(random, {0, 3})
    kept = [(y, x) for y, x in np.ndindex(random.shape) if random[y, x] not in (0, 3)]
    for y, x in np.ndindex(random.shape):
        near = min((y - j) ** 2 + (x - i) ** 2 for j, i in kept)
        assert filled[y, x] in {random[j, i] for j, i in kept if (y - j) ** 2 + (x - i) ** 2 == near}


def test_nothing_to_remove_or_nothing_else_leaves_the_labels() -> None:
    labels = np.array([[1, 2], [2, 2]])
    np.testing.assert_array_equal(without(labels, {5}), labels)
    np.testing.assert_array_equal(without(labels, set()), labels)
    np.testing.assert_array_equal(without(labels, {1, 2}), labels)


def test_colors_of_ones_own_and_how_near_they_are() -> None:
    colors = ((10, 20, 30), (40, 20, 30), (200, 0, 0))
    picture = np.array([[[10, 20, 30], [26, 20, 30], [100, 20, 30], [255, 0, 0]]], np.uint8)
    labels = snap(picture, colors)
    np.testing.assert_array_equal(labels, [[0, 1, 1, 2]])
    np.testing.assert_array_equal(near(picture, labels, colors, 14.0), [[True, True, False, False]])
    np.testing.assert_array_equal(near(picture, labels, colors, 13.0), [[True, False, False, False]])
