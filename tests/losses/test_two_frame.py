import pytest
import torch
from torch import Tensor

from photovst.losses.two_frame import LUMA, feature_temporal, output_temporal


def frames(seed: int, channels: int = 3, size: tuple[int, int] = (8, 10)) -> Tensor:
    return torch.rand(1, channels, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


STILL = torch.zeros(1, 2, 8, 10, dtype=torch.float64)
SURE = torch.ones(1, 1, 8, 10, dtype=torch.float64)


def test_shares_of_luma_sum_to_one() -> None:
    assert all(sum(shares) == pytest.approx(1) for shares in LUMA.values())


def test_a_still_clip_with_a_still_result_costs_nothing() -> None:
    output, frame = frames(1), frames(2)
    assert output_temporal(output, output, frame, frame, STILL, SURE) == 0


def test_light_that_changes_may_change_the_result_in_all_colors_alike() -> None:
    output, frame = frames(1), frames(2)
    brighter = frame + 0.1
    assert output_temporal(output + 0.1, output, brighter, frame, STILL, SURE).item() == pytest.approx(0, abs=1e-20)
    # Held where it was, it is off by a tenth in each color.
    assert output_temporal(output, output, brighter, frame, STILL, SURE).item() == pytest.approx(0.01)


@pytest.mark.parametrize("luma", LUMA)
def test_only_luma_counts(luma: str) -> None:
    output, frame = frames(1), frames(2)
    red = frame + torch.tensor([0.1, 0, 0], dtype=torch.float64).view(1, 3, 1, 1)
    expected = (0.1 * LUMA[luma][0]) ** 2  # type: ignore[index]
    value = output_temporal(output, output, red, frame, STILL, SURE, luma)  # type: ignore[arg-type]
    assert value.item() == pytest.approx(expected)


def test_a_shift_along_the_flow_costs_nothing_where_it_is_seen() -> None:
    wide_output, wide_frame = frames(3, size=(8, 13)), frames(4, size=(8, 13))
    flow = STILL.clone()
    flow[:, 0] = 3  # the current frame shows at x what the earlier one shows at x + 3
    sure = SURE.clone()
    sure[..., -3:] = 0
    now, before = (wide_output[..., 3:], wide_frame[..., 3:]), (wide_output[..., :10], wide_frame[..., :10])
    assert output_temporal(now[0], before[0], now[1], before[1], flow, sure).item() == pytest.approx(0, abs=1e-20)
    assert output_temporal(now[0], before[0], now[1], before[1], -flow, SURE) > 0.01


def test_what_is_not_certain_does_not_count() -> None:
    half = SURE.clone()
    half[..., :5] = 0
    output, frame = frames(1), frames(2)
    whole = output_temporal(output + 0.2, output, frame, frame, STILL, SURE)
    assert output_temporal(output + 0.2, output, frame, frame, STILL, half).item() == pytest.approx(whole.item() / 2)


def test_both_outputs_get_a_gradient() -> None:
    now, before = frames(1).requires_grad_(), frames(2).requires_grad_()
    frame, earlier, flow = frames(3), frames(4), STILL + 0.4
    assert torch.autograd.gradcheck(lambda a, b: output_temporal(a, b, frame, earlier, flow, SURE), (now, before))


def test_features_that_move_along_cost_nothing() -> None:
    wide = frames(5, channels=4, size=(4, 8))
    flow = torch.zeros(1, 2, 16, 28, dtype=torch.float64)
    flow[:, 0] = 4  # a pixel of the features is four of the frame
    sure = torch.ones(1, 1, 16, 28, dtype=torch.float64)
    sure[..., -4:] = 0
    value = feature_temporal(wide[..., 1:], wide[..., :-1], flow, sure)
    assert value.item() == pytest.approx(0, abs=1e-12)
    assert feature_temporal(wide[..., 1:], wide[..., :-1], 0 * flow, sure) > 0.1


def test_features_count_relative_to_their_power() -> None:
    now, before = frames(5, 4) - 0.5, frames(6, 4) - 0.5
    value = feature_temporal(now, before, STILL, SURE)
    torch.testing.assert_close(feature_temporal(1000 * now, 1000 * before, STILL, SURE), value)
    # Independent features of mean zero: the difference has the power of both.
    wild = [torch.randn(1, 8, 64, 64, generator=torch.Generator().manual_seed(s)) for s in (0, 1)]
    still, sure = torch.zeros(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    assert feature_temporal(wild[0], wild[1], still, sure).item() == pytest.approx(2, rel=0.03)
    assert feature_temporal(0 * now, 0 * now, STILL, SURE) == 0
