"""What there is to choose among in the settings of ``training_config.py``: a class a choice. Torch-free."""

from __future__ import annotations

from enum import Enum


class NetworkKind(Enum):
    """What is trained."""

    reconet = "reconet"
    johnson = "johnson"
    grid = "grid"
    arbitrary = "arbitrary"
    photographic = "photographic"


class PredictorKind(Enum):
    """What a network of any style looks at style pictures with."""

    inception = "inception"
    mobile = "mobile"


class ContractNorm(Enum):
    """What normalizes the first features of a network of any style."""

    conditional = "conditional"
    batch = "batch"


class StyleKind(Enum):
    """Where the style pictures of a network of any style come from."""

    pictures = "pictures"
    scenes = "scenes"
    paintings = "paintings"


class NetworkNorm(Enum):
    """How features are normalized."""

    instance = "instance"
    filter_response = "filter_response"


class Luma(Enum):
    """Which weights of red, green and blue make luminance."""

    rec709 = "rec709"
    rec601 = "rec601"


class SourceKind(Enum):
    """Where training data comes from."""

    procedural = "procedural"
    still_motion = "still_motion"
    sintel = "sintel"
    scene_flow = "scene_flow"
    flying_chairs = "flying_chairs"
    davis = "davis"
    clips = "clips"


class SceneLook(Enum):
    """Light, season or weather of a procedural scene."""

    day = "day"
    sunset = "sunset"
    night = "night"
    winter = "winter"
    fog = "fog"
    autumn = "autumn"


class Rendering(Enum):
    """Which pictures of a rendered dataset: without or with blur, haze and the like."""

    clean = "clean"
    final = "final"


class TrainingOptimizer(Enum):
    """What moves the weights."""

    adam = "adam"
    adamax = "adamax"


SCENE_LABELS = ("sky", "mountain", "vegetation", "ground", "building", "water", "moving object")
"""What pixels of procedural scenes are labeled as."""
