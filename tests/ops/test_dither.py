"""Blue noise: every threshold once, and no low frequencies."""

import numpy as np

from photovst.ops.dither import SIDE, blue_noise


def test_every_threshold_once() -> None:
    values = np.sort(blue_noise().ravel())
    np.testing.assert_allclose(values, (np.arange(SIDE * SIDE) + 0.5) / SIDE**2, rtol=1e-6)


def test_the_same_always() -> None:
    np.testing.assert_array_equal(blue_noise.__wrapped__(16), blue_noise.__wrapped__(16))


def test_low_frequencies_hold_a_hundredth_of_what_chance_would_put_there() -> None:
    def share(pattern: np.ndarray) -> float:
        power = np.abs(np.fft.fft2(pattern - pattern.mean())) ** 2
        along = np.fft.fftfreq(SIDE)
        low = np.hypot(along[:, None], along) < 0.2
        return float(power[low].sum() / power.sum())

    chance = np.random.default_rng(0).permutation(blue_noise().ravel()).reshape(SIDE, SIDE)
    assert share(blue_noise()) < share(chance) / 100
