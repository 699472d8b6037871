"""Every class of a clip ends in exactly one region, by rules that can be told."""

import itertools

import numpy as np
import pytest

from photovst.errors import SettingsError
from photovst.guidance.groups import GROUPS, relatives
from photovst.guidance.matching import NOTHING, WHOLE, Matching, Rules, Source, match

NAMED = Rules(smallest=0.02, relatives=relatives)


def _shares(**shares: float) -> np.ndarray:
    assert abs(sum(shares.values()) - 1) < 1e-9
    return np.array([shares.get(group, 0.0) for group in GROUPS])


def _region_of(matching: Matching, name: str) -> tuple[str, Source]:
    (k,) = np.flatnonzero(matching.clip[:, GROUPS.index(name)])
    return matching.names[k], matching.sources[k]


def _lends(matching: Matching, name: str) -> list[str]:
    return [matching.names[k] for k in np.flatnonzero(matching.photo[:, GROUPS.index(name)])]


def _why(matching: Matching, name: str) -> tuple[str, str, str | None]:
    (row,) = (row for row in matching.rows if row.name == name)
    return row.mapped_to, row.why, row.region


def test_what_both_show_is_matched_with_itself() -> None:
    shares = _shares(sky=0.5, ground=0.5)
    matching = match(GROUPS, shares, shares, NAMED)
    assert matching.names == ("sky", "ground")
    assert matching.sources == (Source("class", "sky"), Source("class", "ground"))
    assert _why(matching, "sky") == ("sky", "in both", "sky")
    assert [row.kind for row in matching.rows] == ["shared", "shared"]


def test_an_orphan_joins_its_nearest_relative_that_the_photograph_shows() -> None:
    clip, photo = _shares(sky=0.4, water=0.3, vehicle=0.3), _shares(sky=0.6, interior=0.4)
    matching = match(GROUPS, clip, photo, NAMED)
    assert _region_of(matching, "water") == ("sky", Source("class", "sky"))
    assert _region_of(matching, "vehicle") == ("vehicle", Source("class", "interior"))
    assert _why(matching, "vehicle") == ("interior", "not in the photograph", "vehicle")
    assert _why(matching, "interior") == ("interior", "not in the clip", "vehicle")


def test_a_sliver_of_the_clip_goes_with_its_relative_in_the_clip() -> None:
    clip, photo = _shares(sky=0.49, ground=0.5, road=0.01), _shares(sky=0.3, ground=0.4, road=0.3)
    matching = match(GROUPS, clip, photo, NAMED)
    assert _region_of(matching, "road") == ("ground", Source("class", "ground"))
    assert _why(matching, "road") == ("ground", "only 1.0% of the clip", "ground")
    assert _lends(matching, "road") == []


def test_a_sliver_of_the_photograph_lends_its_look_to_its_relative_and_what_is_unused_lends_none() -> None:
    clip, photo = _shares(sky=0.5, building=0.5), _shares(sky=0.3, building=0.39, light=0.01, water=0.3)
    matching = match(GROUPS, clip, photo, NAMED)
    assert _lends(matching, "light") == ["building"]
    assert _why(matching, "light") == ("building", "only 1.0% of the photograph", "building")
    assert _lends(matching, "water") == []
    assert _why(matching, "water") == (NOTHING, "not in the clip", None)


def test_a_class_too_small_in_the_photograph_is_an_orphan_too() -> None:
    matching = match(GROUPS, _shares(sky=0.5, ground=0.5), _shares(sky=0.01, ground=0.99), NAMED)
    assert _why(matching, "sky") == ("ground", "only 1.0% of the photograph", "ground")
    assert matching.names == ("ground",)
    assert _lends(matching, "sky") == ["ground"]


def test_pictures_that_share_nothing_and_one_that_is_all_sky() -> None:
    matching = match(GROUPS, _shares(sky=1.0), _shares(interior=1.0), NAMED)
    assert (matching.names, matching.sources) == (("sky",), (Source("class", "interior"),))
    np.testing.assert_array_equal(matching.clip.sum(axis=0), 1)


def test_by_hand() -> None:
    clip, photo = _shares(sky=0.5, ground=0.3, person=0.2), _shares(sky=0.5, water=0.3, person=0.2)
    rules = Rules(0.02, relatives, mapped={"person": "water", "ground": WHOLE})
    matching = match(GROUPS, clip, photo, rules)
    assert _region_of(matching, "person") == ("person", Source("class", "water"))
    assert _region_of(matching, "ground") == ("ground", Source("whole", "ground"))
    assert _why(matching, "person") == ("water", "as you set it", "person")
    assert _why(matching, "ground") == (WHOLE, "as you set it", "ground")


def test_mapped_to_what_the_photograph_does_not_show() -> None:
    rules = Rules(0.02, relatives, mapped={"sky": "watr"})
    with pytest.raises(SettingsError, match=r"map\.sky=watr, but the photograph shows no watr; did you mean 'water'\?"):
        match(GROUPS, _shares(sky=1.0), _shares(sky=0.5, water=0.5), rules)


def test_a_photograph_of_its_own_makes_a_region_even_of_a_sliver() -> None:
    rules = Rules(0.02, relatives, own={"person": "face.jpg"})
    shares = _shares(sky=0.99, person=0.01)
    matching = match(GROUPS, shares, shares, rules)
    assert _region_of(matching, "person") == ("person", Source("own", "person"))
    assert _why(matching, "person") == ("face.jpg", "has a photograph of its own", "person")
    assert _region_of(matching, "vehicle")[0] == "sky"  # no sliver joins what has a photograph of its own


def test_names_without_relatives_take_the_whole_photograph() -> None:
    matching = match(("blue", "red"), np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    assert matching.sources == (Source("class", "blue"), Source("whole", "red"))
    assert matching.rows[1].mapped_to == WHOLE


def test_relatives_that_are_no_names_of_a_mask_are_passed_over() -> None:
    names = ("sky", "person")
    matching = match(names, np.array([0.5, 0.5]), np.array([1.0, 0.0]), NAMED)
    assert matching.sources == (Source("class", "sky"),)
    assert matching.rows[1].mapped_to == "sky"
    named = Rules(0.02, lambda name: relatives(name) if name in GROUPS else ())
    matching = match(("sky", "blue"), np.array([0.5, 0.5]), np.array([0.0, 1.0]), named)
    assert matching.rows[0].mapped_to == WHOLE  # a color is nobody's relative


def test_a_map_of_what_is_not_in_the_clip_draws_nobody_in() -> None:
    clip, photo = _shares(sky=0.49, water=0.5, person=0.01), _shares(sky=0.5, water=0.5)
    plain = match(GROUPS, clip, photo, NAMED)
    mapped = match(GROUPS, clip, photo, Rules(0.02, relatives, mapped={"light": "sky", "vehicle": "sky"}))
    assert _region_of(mapped, "person") == _region_of(plain, "person")


def test_what_is_painted_as_nothing_is_left_as_it_is() -> None:
    names = ("nothing", "sky")
    matching = match(names, np.array([0.3, 0.7]), np.array([0.4, 0.6]))
    assert matching.sources[0] == Source("whole", "nothing")
    assert matching.rows[0].mapped_to == NOTHING
    assert matching.rows[0].why == "it is to be left as it is"


def test_what_the_clip_cannot_show_makes_no_region() -> None:
    names, clip, photo = ("blue", "red"), np.array([1.0, 0.0]), np.array([0.5, 0.5])
    matching = match(names, clip, photo, absent=["red"])
    assert matching.names == ("blue",)
    np.testing.assert_array_equal(matching.clip, [[1, 0]])
    assert matching.rows[1].mapped_to == NOTHING
    assert match(names, clip, photo).names == names  # it may come later


@pytest.mark.parametrize("count", [1, 2, 30, 60])
def test_any_number_of_regions(count: int) -> None:
    names = tuple(f"region {k + 1}" for k in range(count))
    shares = np.full(count, 1 / count)
    matching = match(names, shares, shares)
    np.testing.assert_array_equal(matching.clip, np.eye(count))
    np.testing.assert_array_equal(matching.photo, np.eye(count))


def test_nothing_is_dropped_whatever_the_shares() -> None:
    random = np.random.default_rng(0)
    for _, smallest in itertools.product(range(50), (0.0, 0.02, 0.2)):
        clip, photo = random.dirichlet(np.full(len(GROUPS), 0.2), size=2)
        clip[random.random(len(GROUPS)) < 0.4] = 0
        matching = match(GROUPS, clip, photo, Rules(smallest, relatives))
        np.testing.assert_array_equal(matching.clip.sum(axis=0), 1)
        assert (matching.photo.sum(axis=0) <= 1).all()
        for k, source in enumerate(matching.sources):
            if source.kind == "class":
                assert matching.photo[k, GROUPS.index(source.name)] == 1
        assert len(set(matching.names)) == len(matching.names)
