"""Every setting of a training, its meaning and its range, as ``config.py`` has them for restyling. Torch-free.

Loading and checking live in ``training_settings.py``; this file only says what there is to set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from photovst.config import EncoderSettings, NetworkPrecision as NetworkPrecision
from photovst.schema.fields import setting
from photovst.training_choices import (
    ContractNorm as ContractNorm,
    Luma as Luma,
    NetworkKind as NetworkKind,
    NetworkNorm as NetworkNorm,
    PredictorKind as PredictorKind,
    Rendering as Rendering,
    SceneLook as SceneLook,
    SourceKind as SourceKind,
    StyleKind as StyleKind,
    TrainingOptimizer as TrainingOptimizer,
)


@dataclass
class NetworkSettings:
    """What is trained."""

    kind: NetworkKind = setting(
        NetworkKind.reconet,
        "Which network: of one style, 'reconet' and 'johnson' paint pixels, 'grid' only changes colors; of any style,"
        " 'arbitrary' paints, 'photographic' only changes colors.",
    )
    width: int = setting(32, "Channels of the first layer; they double twice.", low=1, high=512)
    blocks: int = setting(5, "For 'reconet', 'johnson' and 'arbitrary': residual blocks.", low=1, high=32)
    norm: NetworkNorm = setting(
        NetworkNorm.instance, "For 'reconet' and 'johnson': normalization; 'filter_response' makes no bubbles."
    )
    luma: int = setting(8, "For grids: cells along luma.", low=1, high=64)
    rows: int = setting(12, "For grids: cells from top to bottom.", low=1, high=256)
    columns: int = setting(16, "For grids: cells from left to right.", low=1, high=256)
    size: int = setting(192, "For grids: longer side of the small frame it looks at.", low=32, high=2048)
    predictor: PredictorKind = setting(
        PredictorKind.mobile, "For 'arbitrary': what looks at style pictures; 'inception' is the published one."
    )
    bottleneck: int = setting(100, "For 'arbitrary': numbers of a style vector.", low=1, high=4096)
    contract_norm: ContractNorm = setting(
        ContractNorm.conditional,
        "For 'arbitrary': normalization on the way in; 'batch', with statistics that stay, is that of the published"
        " weights.",
    )
    colors: bool = setting(
        False, "For 'arbitrary': results are given mean and deviation of the style's colors, which it need not learn."
    )
    frozen: bool = setting(
        False, "For 'arbitrary': what predicts styles stays as it is, and only the transform network is trained."
    )
    learned: int = setting(
        24, "For 'photographic': numbers of a style vector beside the color statistics in it.", low=1, high=1024
    )
    ridge: float = setting(
        5e-3, "For 'photographic': variance of color below which contrasts are hardly raised.", low=1e-6, high=1
    )


@dataclass
class LossSettings:
    """The terms whose weighted sum is minimised; one of weight 0 is not built."""

    content: float = setting(1.0, "Weight of the distance in features to the frame.", low=0)
    style: float = setting(10.0, "Weight of the distance in Gram matrices to the style picture.", low=0)
    variation: float = setting(0.0, "Weight of total variation.", low=0)
    output_temporal: float = setting(
        0.0, "Weight of changes of the output along the flow that are not the clip's own change of luminance.", low=0
    )
    feature_temporal: float = setting(0.0, "Weight of changes of the network's features along the flow.", low=0)
    long_term: float = setting(0.0, "Weight of the output's changes since a frame farther back.", low=0)
    long_term_distance: int = setting(5, "How many frames back that one is.", low=2, high=100)
    photorealism: float = setting(0.0, "Weight of the matting Laplacian's energy.", low=0)
    structure: float = setting(0.0, "Weight of edges that vanish or turn over, for photorealistic networks.", low=0)
    gamut: float = setting(0.0, "Weight of colors that no screen shows; only 'grid' makes such.", low=0)
    grid_smoothness: float = setting(0.0, "For 'grid': weight of differences of neighboring cells.", low=0)
    grid_luma: float = setting(60.0, "For 'grid': how many times as much differences along luma count.", low=0)
    grid_gain: float = setting(14.0, "For 'grid': how many times as much a change of contrast counts.", low=0)
    content_layer: str | None = setting(None, "The layer that is held; when not set the one of restyling.")
    style_layers: list[str] | None = setting(None, "The layers compared; when not set those of restyling.")
    luma: Luma = setting(
        Luma.rec709, "Luminance in the temporal terms: of Rec. 709, or of Rec. 601, as published for animation."
    )
    regions: dict[str, list[str]] = setting(
        {},
        "Groups of scene labels, each by a name of its own, that take style only from their counterpart in the style"
        " picture; none compares whole pictures.",
    )


@dataclass
class SourceSettings:
    """One source of frames with known motion."""

    kind: SourceKind = setting(
        MISSING,
        "What it is: procedural scenes, stills in made-up motion, a dataset with flow, or clips whose flow is"
        " estimated.",
    )
    path: str | None = setting(
        None, "Its folder; 'procedural' takes none, and 'still_motion' without one moves procedural photographs."
    )
    weight: float = setting(1.0, "How often it is drawn from, to the others; 0 leaves it out.", low=0)
    rendering: Rendering | None = setting(None, "For 'sintel' and 'scene_flow': which pictures; all when not set.")
    looks: list[SceneLook] = setting(list(SceneLook), "For procedural pictures: lights, seasons and weathers, in turn.")
    scenes: int = setting(48, "For procedural pictures: how many different ones.", low=1, high=100000)
    first_seed: int = setting(1000, "For procedural pictures: seed of the first one; the others follow.", low=0)
    frames: int = setting(12, "For 'procedural': frames of each scene.", low=2, high=1000)
    size: list[int] = setting(
        [320, 480], "For procedural pictures: height and width they are painted in.", low=32, high=8192
    )
    fastest: int = setting(2, "For 'procedural': frames skipped at most for faster motion, plus one.", low=1, high=100)


@dataclass
class StyleSourceSettings:
    """One source of style pictures, for networks of any style."""

    kind: StyleKind = setting(
        MISSING, "What it is: the pictures of a folder, photographs of procedural scenes, or procedural paintings."
    )
    path: str | None = setting(None, "The folder, for 'pictures'.")
    weight: float = setting(1.0, "How often it is drawn from, to the others; 0 leaves it out.", low=0)
    count: int = setting(48, "For procedural pictures: how many different ones.", low=1, high=100000)
    first_seed: int = setting(5000, "For procedural pictures: seed of the first one; the others follow.", low=0)
    looks: list[SceneLook] = setting(list(SceneLook), "For 'scenes': lights, seasons and weathers, in turn.")
    size: list[int] = setting(
        [320, 480], "For procedural pictures: height and width they are painted in.", low=32, high=8192
    )


@dataclass
class StylesSettings:
    """The styles that a network of any style is trained on."""

    sources: dict[str, StyleSourceSettings] = field(default_factory=dict)
    size: list[int] = setting([256, 256], "Height and width of the style pictures.", low=32, high=4096)
    scale: list[float] = setting(
        [1.0, 2.0], "Smallest and largest window that is cut out, in sizes of the style pictures.", low=0.1, high=16
    )
    regions: int = setting(
        0,
        "The most regions that take style from their counterparts only, found in clip and style picture together; 0"
        " compares whole pictures.",
        low=0,
        high=8,
    )
    own: float = setting(0.0, "Share of the samples whose style is their own frame.", low=0, high=1)
    relit: float = setting(
        0.0,
        "Share of the samples whose style is another view of their own frame, in the light of a style picture: pairs"
        " that match.",
        low=0,
        high=1,
    )
    softening: float = setting(
        0.0,
        "Distance in style beyond which a pair counts less and less, so that those that hardly match do not rule; 0"
        " counts all alike.",
        low=0,
    )


@dataclass
class DataSettings:
    """What is trained on; sample i depends on these settings, the seed and i only."""

    sources: dict[str, SourceSettings] = field(default_factory=dict)
    size: list[int] = setting([256, 256], "Height and width of the frames that are trained on.", low=32, high=4096)
    batch: int = setting(4, "Samples at once, in each process of several.", low=1, high=4096)
    workers: int = setting(2, "Processes that make samples ahead; 0 makes them in between.", low=0, high=256)
    scale: list[float] = setting(
        [1.0, 1.5], "Smallest and largest window that is cut out, in sizes of the frames.", low=0.1, high=16
    )
    flip: bool = setting(True, "Mirror half of the samples.")
    cache: str | None = setting(
        None, "Folder for painted scenes and estimated flow; in the user's cache folder when not set."
    )
    cache_limit_mb: int = setting(8192, "Those not used for longest are removed beyond this size.", low=1)


@dataclass
class TrainingOptimizerSettings:
    """What moves the weights."""

    kind: TrainingOptimizer = setting(TrainingOptimizer.adam, "Which optimizer.")
    learning_rate: float = setting(1e-3, "Step size at first.", low=1e-9, high=1)
    betas: list[float] = setting(
        [0.9, 0.999], "Decay of the means of gradients and of their squares.", low=0, high=0.999999
    )
    milestones: list[int] = setting([], "Steps from which on the learning rate is lower.", low=1)
    factor: float = setting(0.2, "What it is multiplied with at each.", low=1e-6, high=1)


@dataclass
class DivergenceSettings:
    """When a training is stopped because it has diverged; a loss that is no number stops it in any case."""

    ratio: float = setting(20.0, "A loss of this many times its running median is far above it.", low=1.01)
    patience: int = setting(50, "Steps that it may stay far above.", low=1)
    window: int = setting(200, "Steps that the median is taken over; more than twice the patience.", low=3)


@dataclass
class TrainingSettings:
    """A whole training."""

    style: str | None = setting(
        None, "The picture whose style the network learns; one of any style takes styles.sources in its place."
    )
    style_size: int | None = setting(
        512, "Longer side it is shrunk to before it is compared with; its own when not set.", low=32, high=8192
    )
    style_labels: str | None = setting(
        None, "Its label picture, as 'photovst scene' writes one; goes with loss.regions."
    )
    output: str = setting(MISSING, "The trained network: a .safetensors file.")
    name: str = setting("", "A name of the network for people, kept in its file.")
    license: str = setting("", "What may be done with it, and whose style and data it is; kept in its file.")
    start: str | None = setting(None, "A trained network to start from, of the same kind and size, or a checkpoint.")
    seed: int = setting(0, "Seed of the weights and of everything random.", low=0)
    device: str = setting("auto", "'auto', 'cpu', 'cuda' or 'cuda:N'; under torchrun each process takes its own GPU.")
    steps: int = setting(20000, "Updates of the weights.", low=1)
    accumulate: int = setting(1, "Batches whose gradients make one update.", low=1, high=4096)
    ema: float = setting(
        0.0, "Decay of a running mean of the weights, which then is the result; 0 takes the last.", low=0, high=0.999999
    )
    precision: NetworkPrecision = setting(
        NetworkPrecision.float32, "What the network computes in; weights and losses are float32 in any case."
    )
    channels_last: bool = setting(False, "Keep features with their channels together; faster on GPUs with float16.")
    compile: bool = setting(False, "Compile the network first (torch.compile).")
    checkpoint_minutes: float = setting(10.0, "Minutes between checkpoints.", low=0.01)
    keep: int = setting(3, "How many of them stay, the newest ones.", low=1, high=1000)
    log_every: int = setting(10, "Steps between records of the losses.", low=1)
    sample_every: int = setting(0, "Steps between samples of what the network does; 0 makes none.", low=0)
    sample_clip: str | None = setting(None, "The clip they are made of; a procedural one when not set.")
    tensorboard: bool = setting(False, "Write losses and samples for TensorBoard, too.")
    network: NetworkSettings = field(default_factory=NetworkSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    loss: LossSettings = field(default_factory=LossSettings)
    styles: StylesSettings = field(default_factory=StylesSettings)
    data: DataSettings = field(default_factory=DataSettings)
    optimizer: TrainingOptimizerSettings = field(default_factory=TrainingOptimizerSettings)
    divergence: DivergenceSettings = field(default_factory=DivergenceSettings)
