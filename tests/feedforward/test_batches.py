"""Groups of a fixed size."""

from __future__ import annotations

from photovst.feedforward.batches import filled, groups


def test_groups_are_counted_from_the_first_item_and_taken_one_by_one() -> None:
    taken: list[int] = []

    def items() -> object:
        for number in range(7):
            taken.append(number)
            yield number

    stream = groups(items(), 3)
    assert next(stream) == (0, 1, 2)
    assert taken == [0, 1, 2]  # nothing piles up
    assert [*stream] == [(3, 4, 5), (6,)]
    assert [*groups([], 3)] == []


def test_a_short_group_is_filled_with_its_last_item() -> None:
    assert filled((1, 2), 2) == [1, 2]
    assert filled([6], 3) == [6, 6, 6]
