"""Regions from a source that is told what it sees: areas, photographs, weights and what the user is told."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from photovst.errors import SettingsError
from photovst.guidance.groups import GROUPS, kin, relatives
from photovst.guidance.in_groups import InGroups
from photovst.guidance.matching import WHOLE, Rules
from photovst.guidance.region_finder import Photo, RegionFinder
from photovst.guidance.region_sources import Named, label_shares
from photovst.guidance.regions import unrefined

NAMES = ("sky", "sea", "tree", "car", "other")
SKY, SEA, TREE, CAR = (
    torch.tensor(color) for color in ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0, 0))
)


@dataclass
class Painted:
    """A segmenter that knows what colors mean."""

    calls: int = 0
    name: str = "painted"
    classes: tuple[str, ...] = NAMES

    def __call__(self, frames: Tensor) -> Tensor:
        self.calls += 1
        near = [(frames - color[:, None, None]).square().sum(dim=1) < 1e-3 for color in (SKY, SEA, TREE, CAR)]
        known = torch.stack(near, dim=1)
        return torch.cat([known, ~known.any(dim=1, keepdim=True)], dim=1).float()


def _stripes(*colors: Tensor, height: int = 12) -> Tensor:
    """Side by side, each as wide."""
    return torch.cat([color[None, :, None, None].expand(1, 3, height, 8) for color in colors], dim=3)


def _finder(photo: Tensor, rules: Rules | None = None, **more: object) -> RegionFinder:
    rules = rules or Rules(smallest=0.02, relatives=relatives)
    return RegionFinder(Photo("photo.jpg", photo), rules, unrefined, **more)


SOURCE = Named(InGroups(Painted()))


def test_a_segmenter_in_groups_sums_classes_and_keeps_shares_to_a_255th() -> None:
    frames = torch.cat([_stripes(SKY, SEA), _stripes(TREE, CAR)])
    probabilities = InGroups(Painted())(frames)
    assert probabilities.shape == (2, len(GROUPS), 12, 16)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2, 12, 16))
    np.testing.assert_allclose(label_shares(probabilities[:1])[[0, 1]], [0.5, 0.5])


def test_regions_of_clip_and_photograph_answer_to_each_other() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(TREE, TREE, SKY)
    regions = _finder(photo).find(SOURCE, [clip])
    assert regions.names == ("sky", "vegetation")
    assert (regions.sources, regions.weights, regions.notices) == ((0, 0), (1.0, 1.0), ())
    torch.testing.assert_close(regions.of(0, clip)[0, 0], torch.cat([torch.ones(12, 8), torch.zeros(12, 8)], dim=1))
    torch.testing.assert_close(regions.photo.mean(dim=(0, 2, 3)), torch.tensor([1 / 3, 2 / 3]))


def test_an_orphan_takes_its_relative_and_the_user_is_told() -> None:
    clip, photo = _stripes(SKY, SEA, TREE), _stripes(SKY, TREE)
    regions = _finder(photo).find(SOURCE, [clip])
    assert regions.names == ("sky", "vegetation")
    assert regions.notices == ("region water of the clip is not in the photograph; it takes the look of sky",)
    torch.testing.assert_close(regions.of(0, clip).sum(dim=1), torch.ones(1, 12, 24))


def test_no_shared_group_is_told() -> None:
    regions = _finder(_stripes(CAR)).find(SOURCE, [_stripes(SKY, TREE)])
    assert regions.names == ("sky",)  # both take the only thing the photograph shows
    assert regions.notices[0] == "photo.jpg shows nothing that the clip shows; each region takes what is nearest"
    assert len(regions.notices) == 3


def test_a_region_with_a_photograph_of_its_own() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(SKY, TREE)
    dusk = Photo("dusk.jpg", _stripes(SKY, SKY, CAR))
    rules = Rules(0.02, relatives, own={"sky": "dusk.jpg"})
    regions = _finder(photo, rules, own={"sky": dusk}).find(SOURCE, [clip])
    assert regions.names == ("sky", "vegetation")
    assert regions.sources == (1, 0)
    assert [photo.name for photo in regions.photos] == ["photo.jpg", "dusk.jpg"]
    torch.testing.assert_close(regions.photos[1].masks.mean(dim=(0, 2, 3)), torch.tensor([2 / 3, 0.0]))


def test_all_of_it_where_it_does_not_show_the_region() -> None:
    rules = Rules(0.02, relatives, own={"sky": "car.jpg"})
    own = {"sky": Photo("car.jpg", _stripes(CAR))}
    regions = _finder(_stripes(TREE), rules, own=own).find(SOURCE, [_stripes(SKY, TREE)])
    assert regions.photos[1].masks[:, regions.names.index("sky")].eq(1).all()


def test_by_hand_and_with_weights() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(SKY, TREE, CAR)
    rules = Rules(0.02, relatives, mapped={"vegetation": "vehicle", "sky": WHOLE})
    regions = _finder(photo, rules, weights={"sky": 3.0}).find(SOURCE, [clip])
    assert dict(zip(regions.names, regions.weights, strict=True)) == {"sky": 3.0, "vegetation": 1.0}
    torch.testing.assert_close(regions.photo.mean(dim=(0, 2, 3)), torch.tensor([1.0, 1 / 3]))


def test_settings_without_effect_are_told() -> None:
    regions = _finder(_stripes(SKY), weights={"person": 2.0}).find(SOURCE, [_stripes(SKY)])
    assert regions.notices == ("segmentation.weights.person has no effect: the clip shows no person here",)
    assert regions.weights == (1.0,)


def test_what_is_no_region_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"weights\.skyy: there is no region 'skyy'; did you mean 'sky'\?"):
        _finder(_stripes(SKY), weights={"skyy": 2.0}).find(SOURCE, [_stripes(SKY)])


def test_a_weight_counts_for_its_whole_region_and_that_is_said() -> None:
    clip = _stripes(SKY, SKY, SEA)
    regions = _finder(_stripes(SKY), weights={"water": 3.0}).find(SOURCE, [clip])
    assert (regions.names, regions.weights) == (("sky",), (3.0,))
    assert "the weight 3 of its region counts for sky too" in regions.notices
    regions = _finder(_stripes(SKY), weights={"sky": 2.0, "water": 3.0}).find(SOURCE, [clip])
    assert regions.weights == (2.0,)  # that of the larger
    assert "the weight 2 of its region counts for water too" in regions.notices


def test_a_weight_of_what_only_the_photograph_shows_changes_nothing() -> None:
    rules = Rules(0.02, relatives, kin=kin)
    regions = _finder(_stripes(CAR, TREE), rules, weights={"vehicle": 9.0}).find(SOURCE, [_stripes(TREE)])
    assert regions.weights == (1.0,)


def test_a_photograph_of_its_own_and_a_map() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(SKY, TREE)
    own = {"sky": Photo("dusk.jpg", _stripes(CAR, SKY, SKY))}
    for target, area in (("vehicle", 1 / 3), (WHOLE, 1.0), ("sky", 2 / 3)):
        rules = Rules(0.02, relatives, mapped={"sky": target}, own={"sky": "dusk.jpg"})
        masks = _finder(photo, rules, own=own).find(SOURCE, [clip]).photos[1].masks
        assert masks[:, 0].mean().item() == pytest.approx(area, abs=1e-3)
    rules = Rules(0.02, relatives, mapped={"sky": "skyy"}, own={"sky": "dusk.jpg"})
    with pytest.raises(SettingsError, match=r"map\.sky=skyy: there is no skyy; did you mean 'sky'\?"):
        _finder(photo, rules, own=own).find(SOURCE, [clip])


def test_a_picture_of_one_thing() -> None:
    regions = _finder(_stripes(SKY)).find(SOURCE, [_stripes(SKY)])
    assert regions.names == ("sky",)
    assert regions.of(0, _stripes(SKY)).eq(1).all()


def test_a_photograph_to_blend_is_cut_up_as_if_it_were_the_only_one() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(TREE, SKY)
    dusk, sea, cars = _stripes(SKY, SKY, TREE), _stripes(SEA, SEA, TREE), _stripes(CAR)
    blended = [Photo(name, image) for name, image in (("dusk", dusk), ("sea", sea), ("cars", cars))]
    regions = _finder(photo, blended=blended).find(SOURCE, [clip])
    assert regions.names == ("sky", "vegetation")
    assert [each.name for each in regions.blended] == ["dusk", "sea", "cars"]
    shares = [each.masks.mean(dim=(0, 2, 3)).tolist() for each in regions.blended]
    np.testing.assert_allclose(shares[0], [2 / 3, 1 / 3], atol=1e-5)
    np.testing.assert_allclose(shares[1], [2 / 3, 1 / 3], atol=1e-5)  # the sky takes its relative, water
    np.testing.assert_allclose(shares[2], [1, 1], atol=1e-5)  # nothing alike: both take all of it


def test_a_mapping_that_a_photograph_to_blend_lacks_counts_for_the_others() -> None:
    clip, photo = _stripes(SKY, TREE), _stripes(SEA, TREE)
    rules = Rules(smallest=0.02, relatives=relatives, mapped={"sky": "water"})
    regions = _finder(photo, rules, blended=[Photo("dusk", _stripes(SKY, TREE, TREE))]).find(SOURCE, [clip])
    (dusk,) = regions.blended
    np.testing.assert_allclose(dusk.masks.mean(dim=(0, 2, 3)), [1 / 3, 2 / 3], atol=1e-5)
