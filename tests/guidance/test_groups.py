"""The table of groups is whole, and folding keeps every probability.

Run as a program, this file writes the tables of ``docs/segmentation.md`` anew.
"""

import re
from pathlib import Path

import pytest
import torch

from photovst.guidance.groups import GROUP_OF, GROUPS, MEMBERS, RELATIVES, SUPERGROUPS, fold, kin, near, relatives
from photovst.models.ade20k_classes import CLASSES, OTHER

PAGE = Path(__file__).resolve().parents[2] / "docs" / "segmentation.md"


def page(text: str) -> str:
    """The page with its tables as the code has them."""
    groups = "".join(f"| {group} | {members} |\n" for group, members in MEMBERS.items())
    others = "".join(f"| {group} | {names.replace(' | ', ' **/** ')} |\n" for group, names in RELATIVES.items())
    for mark, table in (
        ("written by tests/guidance/test_groups.py", f"| group | classes |\n|---|---|\n{groups}"),
        ("relatives", f"| group | relatives |\n|---|---|\n{others}"),
    ):
        text = re.sub(
            rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda found, t=table: found[1] + t + found[2], text, flags=re.S
        )
    return text


def test_the_page_has_the_tables() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, f"write {PAGE.name} anew: python tests/guidance/{Path(__file__).name}"


def test_every_class_is_in_one_group() -> None:
    members = [name for names in MEMBERS.values() for name in names.split(", ")]
    assert sorted(members) == sorted({*CLASSES, OTHER})
    assert {GROUP_OF[name] for name in CLASSES} == set(GROUPS)


def test_every_group_has_every_other_as_its_relative_once_its_supergroup_first() -> None:
    assert sorted(name for names in SUPERGROUPS for name in names) == sorted(GROUPS) == sorted(RELATIVES)
    for group in GROUPS:
        order = relatives(group)
        assert sorted((*order, group)) == sorted(GROUPS)
        near = next(set(names) for names in SUPERGROUPS if group in names) - {group}
        assert set(order[: len(near)]) == near


def test_kin_and_near_are_the_first_of_the_relatives() -> None:
    for group in GROUPS:
        assert near(group) == relatives(group)[: len(near(group))]
        assert kin(group) == relatives(group)[: len(kin(group))]
        assert {group, *kin(group)} in [set(names) for names in SUPERGROUPS]


def test_folded_probabilities_are_sums_over_classes() -> None:
    classes = ("sea", "sky", "lake", OTHER)
    probabilities = torch.tensor([0.1, 0.4, 0.2, 0.3]).view(1, 4, 1, 1).expand(1, 4, 2, 3)
    folded = fold(probabilities, classes)
    expected = dict.fromkeys(GROUPS, 0.0) | {"water": 0.3, "sky": 0.4, "other": 0.3}
    for plane, group in zip(folded[0], GROUPS, strict=True):
        torch.testing.assert_close(plane, torch.full((2, 3), expected[group]))


def test_groups_stay_as_they_are() -> None:
    probabilities = torch.rand(2, len(GROUPS), 3, 4)
    torch.testing.assert_close(fold(probabilities, GROUPS), probabilities)


def test_an_unknown_class_or_a_missing_plane_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'moon' is no class of ADE20K and no group"):
        fold(torch.zeros(1, 1, 2, 2), ("moon",))
    with pytest.raises(ValueError, match=r"1 planes but 2 names"):
        fold(torch.zeros(1, 1, 2, 2), ("sky", "sea"))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
