import numpy as np

from photovst.training.smooth_motion import MotionRange, SmoothMotion, Wave

SIZE = (60, 90)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    return x, y


def test_motion_is_undone_at_any_distance() -> None:
    rng = np.random.default_rng(0)
    wild = MotionRange(shift=0.3, turn=0.3, zoom=0.3, perspective=0.2, bend=0.1)
    for _ in range(10):
        motion = wild.drawn(rng, SIZE, 5)
        for distance in (1, 5):
            there = motion.earlier(_grid(), distance)
            back = motion.current(there, distance)
            assert np.abs(np.stack(back) - np.stack(_grid())).max() < 1e-3
            assert np.abs(np.stack(there) - np.stack(_grid())).max() > 1e-2


def test_a_shift_goes_as_far_as_the_distance_says() -> None:
    generator = np.zeros((3, 3))
    generator[:2, 2] = 0.02, -0.01  # of half the longer side
    x, y = SmoothMotion(generator, (), SIZE).earlier(_grid(), 3)
    np.testing.assert_allclose(x - _grid()[0], 3 * 0.02 * 45, atol=1e-4)
    np.testing.assert_allclose(y - _grid()[1], -3 * 0.01 * 45, atol=1e-4)


def test_a_turn_is_about_the_center_and_adds_up() -> None:
    turn = np.array([[0, -0.1, 0], [0.1, 0, 0], [0, 0, 0]])
    motion = SmoothMotion(turn, (), SIZE)
    center = np.float32([44.5]), np.float32([29.5])
    np.testing.assert_allclose(np.stack(motion.earlier(center, 2)), np.stack(center), atol=1e-4)
    twice = motion.earlier(motion.earlier(_grid(), 1), 1)
    np.testing.assert_allclose(np.stack(twice), np.stack(motion.earlier(_grid(), 2)), atol=1e-3)
    corner = motion.earlier((np.float32([54.5]), np.float32([29.5])), 1)
    np.testing.assert_allclose(np.stack(corner)[:, 0], [44.5 + 10 * np.cos(0.1), 29.5 + 10 * np.sin(0.1)], atol=1e-4)


def test_a_wave_moves_along_one_axis_by_sines_of_the_other() -> None:
    wave = Wave(True, (2.0, 1.0), (0.1, 0.3), (0.0, 0.5))
    x, y = wave.moved(_grid(), 2)
    np.testing.assert_array_equal(y, _grid()[1])
    rows = np.arange(SIZE[0])
    expected = 4 * np.sin(0.1 * rows) + 2 * np.sin(0.3 * rows + 0.5)
    np.testing.assert_allclose((x - _grid()[0])[:, 7], expected, atol=1e-4)


def test_random_motion_keeps_to_its_range() -> None:
    rng, still = np.random.default_rng(0), MotionRange(0, 0, 0, 0, 0)
    x, y = still.drawn(rng, SIZE, 5).earlier(_grid(), 5)
    np.testing.assert_allclose(np.stack([x, y]), np.stack(_grid()), atol=1e-4)
    shift = MotionRange(0.1, 0, 0, 0, 0)
    far = [shift.drawn(rng, SIZE, 5).earlier(_grid(), 5) for _ in range(50)]
    lengths = [float(np.hypot(x - _grid()[0], y - _grid()[1]).max()) for x, y in far]
    assert 4 < max(lengths) <= 9.01
