import torch

from photovst.ops.hysteresis import keep_labels


def _masks(*values: float) -> torch.Tensor:
    """One pixel."""
    return torch.tensor(values).view(1, -1, 1, 1)


def _margin(margin: float) -> torch.Tensor:
    return torch.full((1, 1, 1, 1), margin)


def test_a_lead_below_the_margin_is_shared_and_one_above_is_let_through() -> None:
    former = _masks(0.7, 0.2, 0.1)
    kept = keep_labels(_masks(0.4, 0.5, 0.1), former, _margin(0.2))
    torch.testing.assert_close(kept, _masks(0.451, 0.449, 0.1))
    through = _masks(0.3, 0.6, 0.1)
    assert torch.equal(keep_labels(through, former, _margin(0.2)), through)


def test_no_margin_or_the_same_label_changes_nothing() -> None:
    masks, former = torch.rand(2, 3, 6, 7).softmax(1), torch.rand(2, 3, 6, 7).softmax(1)
    assert torch.equal(keep_labels(masks, former, torch.zeros(2, 1, 6, 7)), masks)
    assert torch.equal(keep_labels(masks, masks, torch.ones(2, 1, 6, 7)), masks)


def test_sum_is_kept_labels_follow_the_rule_and_the_lead_outlives_half_floats() -> None:
    masks, former = (3 * torch.randn(2, 4, 30, 40)).softmax(1), (3 * torch.randn(2, 4, 30, 40)).softmax(1)
    kept = keep_labels(masks, former, torch.full((2, 1, 30, 40), 0.3))
    torch.testing.assert_close(kept.sum(1), torch.ones(2, 30, 40))
    assert kept.min() >= 0
    old = former.argmax(1, keepdim=True)
    behind = masks.max(1, keepdim=True).values - masks.gather(1, old)
    expected = torch.where(behind < 0.3, old, masks.argmax(1, keepdim=True))
    assert torch.equal(kept.half().argmax(1, keepdim=True), expected)
    assert 0.05 < (expected != masks.argmax(1, keepdim=True)).float().mean() < 0.9


def test_a_value_between_two_thresholds_keeps_either_label() -> None:
    # The loop of a Schmitt trigger: up it changes above 1/2 + margin/2, down below 1/2 - margin/2.
    shown, seen = _masks(1.0, 0.0), []
    for second in (0.1, 0.55, 0.65, 0.55, 0.45, 0.35, 0.45):
        shown = keep_labels(_masks(1 - second, second), shown, _margin(0.2))
        seen.append(int(shown.argmax(1)))
    assert seen == [0, 0, 1, 1, 1, 0, 0]
