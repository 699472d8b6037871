"""Charts are drawn where the numbers say."""

import math

import numpy as np

from photovst.report.charts import (
    BOTTOM,
    FLOOR,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    charts_of,
    line_chart,
    loss_series,
    nice_ticks,
    thinned,
)


def test_a_line_is_drawn_where_the_numbers_say() -> None:
    chart = line_chart("style", {0: ("a", [(10, 0.0), (15, 1.0), (20, 2.0)])})
    left, right, base, top = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP
    (line,) = chart.lines
    assert line.segments == [[(left, base), ((left + right) / 2, (base + top) / 2), (right, top)]]
    assert [tick.label for tick in chart.up] == ["0", "0.5", "1.0", "1.5", "2.0"]
    assert (chart.across[0].at, chart.across[-1].at) == (left, right)
    assert line.points[1][2] == "frame 15: 1"
    assert line.latest == "2"


def test_lines_of_several_runs_share_their_axes() -> None:
    chart = line_chart("style", {0: ("a", [(0, 1.0), (4, 1.0)]), 2: ("c", [(0, 2.0), (2, 4.0)])})
    one, other = chart.lines
    assert (one.number, other.number) == (0, 2)
    assert one.segments[0][1] == (WIDTH - RIGHT, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) / 4)
    assert other.segments[0][1] == ((LEFT + WIDTH - RIGHT) / 2, TOP)
    assert other.points[1][2] == "c, frame 2: 4"


def test_a_line_breaks_where_a_value_is_absent() -> None:
    values = [(0, 1.0), (1, None), (2, 1.0), (3, 1.0), (4, math.nan), (7, 1.0)]
    (line,) = line_chart("t", {0: ("a", values)}).lines
    assert [len(segment) for segment in line.segments] == [1, 2, 1]


def test_one_frame_is_a_chart() -> None:
    (chart,) = charts_of([("a", loss_series([{"frame": 3, "loss": 0.0}]))])
    assert chart.lines[0].segments == [[(LEFT, HEIGHT - BOTTOM)]]
    assert [tick.label for tick in chart.across] == ["3"]


def test_a_term_that_comes_late_or_in_one_run_alone_has_its_chart() -> None:
    late = loss_series([{"frame": 0, "loss": 1.0, "terms": {}}, {"frame": 1, "loss": 1.0, "terms": {"temporal": 0.2}}])
    charts = charts_of([("a", loss_series([{"frame": 0, "loss": 1.0}])), ("b", late)])
    assert [(chart.name, [line.number for line in chart.lines]) for chart in charts] == [
        ("loss", [0, 1]),
        ("temporal", [1]),
    ]
    assert charts_of([("a", {"never": [(0, None)]}), ("b", {})]) == []
    assert loss_series([]) == {}


def test_the_clip_itself_is_a_line_in_the_same_chart() -> None:
    series = {"e_warp": [(0, 1.0)], "e_warp.floor": [(0, 0.5)], "other": [(0, 1.0)]}
    charts = charts_of([("a", series), ("b", series)])
    lines = [(chart.name, [(line.name, line.number) for line in chart.lines]) for chart in charts]
    runs = [("a", 0), ("b", 1)]
    assert lines == [("e_warp", [*runs, ("clip itself", FLOOR)]), ("other", runs)]


def test_the_last_of_several_passes_counts() -> None:
    records = [{"frame": 0, "loss": 9.0, "pass": 1}, {"frame": 0, "loss": 1.0, "pass": 2}]
    assert loss_series(records)["loss"] == [(0, 1.0)]


def test_long_lines_keep_their_extremes() -> None:
    rng = np.random.default_rng(0)
    values = [(t, float(v)) for t, v in enumerate(rng.normal(size=5000))]
    values[1234] = (1234, 50.0)
    values[4321] = (4321, -50.0)
    kept = thinned(values, 400)
    assert len(kept) <= 402
    assert kept == sorted(kept)
    assert {(0, values[0][1]), (1234, 50.0), (4321, -50.0), (4999, values[4999][1])} <= set(kept)
    assert thinned(values[:400], 400) == values[:400]
    assert len(thinned([(t, None) for t in range(5000)], 400)) <= 402


def test_only_short_lines_have_labelled_points() -> None:
    few, many = [[(t, 1.0) for t in range(n)] for n in (MOST_POINTS, MOST_POINTS + 1)]
    assert len(line_chart("t", {0: ("a", few)}).lines[0].points) == MOST_POINTS
    assert line_chart("t", {0: ("a", many)}).lines[0].points == []


def test_nice_ticks_cover_the_range_evenly_with_round_numbers() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        low, high = np.sort(rng.normal(size=2) * 10.0 ** rng.integers(-8, 8))
        ticks = nice_ticks(low, high, 4)
        steps = np.diff(ticks)
        assert ticks[0] <= low + 1e-9 * abs(low)
        assert ticks[-1] >= high - 1e-9 * abs(high)
        assert 2 <= len(ticks) <= 6
        np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
        mantissa = steps[0] / 10.0 ** np.floor(np.log10(steps[0]) + 1e-9)
        assert np.isclose(mantissa, [1, 2, 5]).any()
    assert nice_ticks(0, 0, 4)[0] == 0.0
