"""Groups that a photographer would name, made of ADE20K's classes [Zhou2017], and which group stands in for which.

150 classes are too fine to be found in two pictures: a clip's oak and a photograph's palm are vegetation in both.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

MEMBERS: dict[str, str] = {
    "sky": "sky",
    "water": "water, sea, river, waterfall, fountain, swimming pool, lake",
    "vegetation": "tree, plant, flower, palm",
    "ground": "earth, grass, field, sand, path, dirt track, land",
    "mountain": "mountain, rock, hill",
    "building": (
        "building, house, fence, railing, base, column, signboard, skyscraper, grandstand, stairs, stairway, bridge,"
        " hovel, tower, awning, booth, pole, bannister, canopy, tent, step, tank, trade name, sculpture, pier"
    ),
    "road": "road, sidewalk, runway",
    "vehicle": "car, boat, bus, truck, airplane, van, ship, minibike, bicycle",
    "person": "person, apparel, animal",
    "interior": (
        "wall, floor, ceiling, bed, window, cabinet, door, table, curtain, chair, painting, sofa, shelf, mirror, rug,"
        " armchair, seat, desk, wardrobe, bathtub, cushion, box, chest of drawers, counter, sink, fireplace,"
        " refrigerator, case, pool table, pillow, screen door, bookcase, blind, coffee table, toilet, book, bench,"
        " countertop, stove, kitchen island, computer, swivel chair, bar, arcade machine, towel, television,"
        " escalator, ottoman, bottle, buffet, poster, stage, conveyer belt, washer, plaything, stool, barrel, basket,"
        " bag, cradle, oven, food, microwave, pot, dishwasher, screen, blanket, hood, vase, tray, fan, crt screen,"
        " plate, monitor, bulletin board, shower, radiator, glass, clock"
    ),
    "light": "lamp, light, chandelier, streetlight, sconce, traffic light",
    "other": "other, ball, ashcan, flag",
}
"""The classes of each group, by their names in ``ade20k_classes.py``."""

GROUPS: tuple[str, ...] = tuple(MEMBERS)

GROUP_OF: dict[str, str] = {name: group for group, members in MEMBERS.items() for name in members.split(", ")}
"""The group of each class; a group is its own too, so that what is in groups already stays as it is."""
GROUP_OF |= {group: group for group in GROUPS if group not in GROUP_OF}

SUPERGROUPS: tuple[tuple[str, ...], ...] = (
    ("sky",),
    ("water",),
    ("vegetation", "ground", "mountain", "road"),
    ("building", "interior", "light", "vehicle"),
    ("person", "other"),
)
"""Groups that look alike in one light: a street lies as a field does, a lamp hangs on a wall."""

RELATIVES: dict[str, str] = {
    "sky": "mountain, water | light, building, interior, vegetation, ground, road, other, vehicle, person",
    "water": "building, sky | ground, road, mountain, vegetation, interior, other, vehicle, light, person",
    "vegetation": "ground, mountain, road, building | interior, water, other, vehicle, light, person, sky",
    "ground": "road, vegetation, mountain, water | building, interior, other, vehicle, light, person, sky",
    "mountain": "ground, vegetation, road, building | water, interior, other, vehicle, light, person, sky",
    "road": "ground, vegetation, mountain, building | water, interior, vehicle, other, light, person, sky",
    "building": "interior, vehicle, light, road | mountain, vegetation, ground, other, person, water, sky",
    "interior": "building, light, vehicle, road | ground, vegetation, mountain, other, person, water, sky",
    "light": "building, interior, vehicle, road | vegetation, ground, mountain, other, person, water, sky",
    "vehicle": "building, interior, light, road | ground, vegetation, mountain, other, person, water, sky",
    "person": "other, vehicle, building | interior, vegetation, ground, road, mountain, light, water, sky",
    "other": "person, building, interior | vegetation, ground, road, mountain, vehicle, light, water, sky",
}
"""Where a group goes that has no counterpart or is a sliver: the first of these that serves.

Before the bar are those so alike that a free one of them is preferred. The rest of its super-group comes first. By
night a lake is what the town on its shore is, by day what the sky is: hand-made masks have it so.
"""


def relatives(group: str) -> tuple[str, ...]:
    """Every other group, the nearest first."""
    return tuple(RELATIVES[group].replace(" |", ",").split(", "))


def near(group: str) -> tuple[str, ...]:
    """Those of its relatives that are much like it."""
    return tuple(RELATIVES[group].partition(" | ")[0].split(", "))


def kin(group: str) -> tuple[str, ...]:
    """The rest of a group's super-group, the nearest first."""
    near = next(names for names in SUPERGROUPS if group in names)
    return tuple(name for name in relatives(group) if name in near)


def fold(probabilities: Float[Tensor, "b c h w"], classes: tuple[str, ...]) -> Float[Tensor, "b g h w"]:
    """Probabilities of all `GROUPS`, each the sum over its classes.

    Args:
        probabilities: of ``classes``, in their order.
        classes: names of ADE20K's classes, or of groups.

    Raises:
        ValueError: a name is of neither kind, or there are not as many as planes.
    """
    if len(classes) != probabilities.shape[1]:
        raise ValueError(f"{probabilities.shape[1]} planes but {len(classes)} names; give one a plane")
    unknown = [name for name in classes if name not in GROUP_OF]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no class of ADE20K and no group")
    places = torch.tensor([GROUPS.index(GROUP_OF[name]) for name in classes], device=probabilities.device)
    batch, _, height, width = probabilities.shape
    folded = probabilities.new_zeros(batch, len(GROUPS), height, width)
    return folded.index_add_(1, places, probabilities)
