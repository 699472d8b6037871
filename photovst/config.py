"""Every setting, its meaning and its range. Torch-free, so that ``photovst --help`` answers at once.

The names are the same on the command line (``objective.style.weight=2``), in YAML, in logs and in reports.
Loading and checking live in ``settings_io.py``; this file only says what there is to set.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from omegaconf import MISSING

from photovst.choices import (
    Ade20kNetwork as Ade20kNetwork,
    Backend as Backend,
    Codec as Codec,
    CoherenceKind as CoherenceKind,
    Compat as Compat,
    EncodedBy as EncodedBy,
    EncoderKind as EncoderKind,
    Fill as Fill,
    FlowCertainty as FlowCertainty,
    FlowMethod as FlowMethod,
    KeyframeKind as KeyframeKind,
    MattingForm as MattingForm,
    NetworkPrecision as NetworkPrecision,
    NextStart as NextStart,
    ObjectiveScale as ObjectiveScale,
    OptimizerKind as OptimizerKind,
    ParametrizationKind as ParametrizationKind,
    Pooling as Pooling,
    Precision as Precision,
    SegmentationMethod as SegmentationMethod,
    Start as Start,
    StylerKind as StylerKind,
    TemporalLoss as TemporalLoss,
    TemporalTarget as TemporalTarget,
)
from photovst.network_config import (
    FeedforwardSettings as FeedforwardSettings,
    PredictedSettings as PredictedSettings,
)
from photovst.schema.fields import setting


@dataclass
class EncoderSettings:
    """The feature encoder of the objective."""

    kind: EncoderKind = setting(EncoderKind.steerable, "Which encoder; 'steerable' needs no weights.")
    stride: int = setting(4, "For 'steerable': most pixels between samples, on large levels.", low=1, high=4)
    pooling: Pooling = setting(Pooling.max, "For VGGs: how features are halved.")
    ceil: bool = setting(False, "For VGGs: odd sizes are rounded up when halved, as in Caffe.")
    gain: float = setting(1.0, "For VGGs: factor on the features, for weights that hold for another network.", low=1e-6)
    precision: Precision = setting(Precision.float32, "What the encoder computes in; features are float32 in any case.")
    channels_last: bool = setting(False, "Keep features with their channels together; often faster for VGGs.")
    compile: bool = setting(False, "Compile the encoder first (torch.compile); pays where many frames follow.")


@dataclass
class SegmentationSettings:
    """Regions that exchange style only with their counterpart."""

    method: SegmentationMethod = setting(
        SegmentationMethod.joint,
        "Where region masks come from: 'joint' needs nothing more, 'ade20k_mobile' a small network that names what is"
        " in a picture (LiteRT), 'ade20k' a large one (mit_semseg).",
    )
    regions: int = setting(6, "The most regions 'joint' makes; what it finds may be fewer.", low=1, high=9)
    network: Ade20kNetwork = setting(Ade20kNetwork.resnet50dilated, "For 'ade20k': which of the published networks.")
    short_sides: list[int] = setting(
        [300, 375, 450, 525, 600], "For 'ade20k': shorter sides a frame is looked at in; fewer are faster.", low=32
    )
    content: str | None = setting(
        None, "For 'files': the clip's mask picture, or a folder with one a frame; nine colors, or label numbers."
    )
    style: str | None = setting(None, "For 'files': the photograph's mask; without one all of it is the style.")
    smallest: float = setting(
        0.02,
        "For 'ade20k' and its like: a group below this share of clip or photograph joins its nearest relative.",
        low=0,
        high=0.5,
    )
    map: dict[str, str] = setting(
        {}, "Regions mapped by hand: what of the photograph each takes its style from, or 'whole photograph'."
    )
    weights: dict[str, float] = setting({}, "By region: factor on its style; 1 where not named.", low=0)
    styles: dict[str, str] = setting({}, "By region: a photograph of its own to take the style from.")
    every: int = setting(
        2, "Every so manyth frame is segmented; in between masks are carried along the flow.", low=1, high=100
    )
    persistence: float = setting(
        0.85,
        "Share of a region carried over from the last frame along the flow, where that can be trusted.",
        low=0,
        high=1,
    )
    hysteresis: float = setting(
        0.15, "Lead by which another region takes a pixel over, where the flow can be trusted.", low=0, high=1
    )
    edges: float = setting(
        0.03,
        "Reach, in longer sides, within which masks are drawn to the edges of a frame; 0 leaves them soft.",
        low=0,
        high=0.5,
    )


@dataclass
class FlowSettings:
    """Optical flow between frames."""

    method: FlowMethod = setting(
        FlowMethod.dis,
        "Which flow; 'dis' (OpenCV's Dense Inverse Search) and 'farneback' need nothing more, 'deepflow' needs OpenCV's"
        " contributed modules, RAFT its weights.",
    )
    folder: str | None = setting(
        None, "For 'files': the folder of flow files, forward_1_2.flo, backward_2_1.flo and so on."
    )
    certainty: FlowCertainty = setting(
        FlowCertainty.coded, "As Ruder et al. coded it, where occlusions grow outwards, or as they print it, 0 or 1."
    )


@dataclass
class ContentSettings:
    """Keeps coarse structure."""

    weight: float = setting(0.02, "Weight of the content term; 0 switches it off.", low=0)
    layer: str | None = setting(None, "The layer that is held; when not set relu4_2 of a VGG, else the deepest.")


@dataclass
class StyleSettings:
    """Region-masked Gram matrices of the photograph."""

    weight: float = setting(1.0, "Weight of the style term; 0 switches it off.", low=0)
    layers: list[str] | None = setting(
        None, "The layers compared; when not set relu1_1, relu2_1 ... relu5_1 of a VGG, else all."
    )
    layer_weights: list[float] | None = setting(
        None, "The weight of each of them; when not set their mean is taken.", low=0
    )


@dataclass
class PhotorealismSettings:
    """The matting Laplacian's energy: colors stay locally affine in the frame's own."""

    weight: float = setting(0.0, "Weight of the photorealism term; 0 switches it off.", low=0)
    epsilon: float = setting(1e-7, "Ridge of the per-window color fit.", low=1e-12)
    form: MattingForm = setting(MattingForm.stencil, "Stencil is faster; free needs less memory, as at 4K.")
    from_stage: int = setting(0, "Entry of schedule.scales, from 0, at which the term begins to count.", low=0)


@dataclass
class TemporalSettings:
    """Steadiness from frame to frame, weighted by the certainty of the flow."""

    weight: float = setting(1000.0, "Weight of the temporal term; 0 switches it off.", low=0)
    target: TemporalTarget = setting(TemporalTarget.transform, "What a frame is held to.")
    neighbors: list[int] = setting(
        [1], "How many frames back those are that it is held to; more than one is the long-term term.", low=1, high=1000
    )
    loss: TemporalLoss = setting(TemporalLoss.mse, "How distance counts; smooth_l1 forgives a few large ones.")


@dataclass
class CoherenceSettings:
    """Steadiness from frame to frame without trust in flow; starts anew at cuts, where those are looked for."""

    weight: float = setting(0.0, "Weight of the coherence term; 0 switches it off.", low=0)
    kind: CoherenceKind = setting(CoherenceKind.enhanced, "Which of the published terms.")
    feature_weight: float = setting(
        0.0, "Weight of a further term: frames change in features as the clip's do; 0 switches it off.", low=0
    )


@dataclass
class StructureSettings:
    """What is bright beside what is dark: edges neither vanish nor turn over, flat places stay flat."""

    weight: float = setting(0.11, "Weight of the structure term; 0 switches it off.", low=0)


@dataclass
class GamutSettings:
    """Colors stay where a screen can show them."""

    weight: float = setting(10.0, "Weight of the gamut term; 0 switches it off.", low=0)


@dataclass
class SmoothnessSettings:
    """Total variation of the picture."""

    weight: float = setting(0.0, "Weight of the total variation term; 0 switches it off.", low=0)


@dataclass
class ObjectiveSettings:
    """The terms whose weighted sum is minimised for each frame."""

    scale: ObjectiveScale = setting(
        ObjectiveScale.relative, "How terms are normalized: relative, or as Luan et al. 2017 print or coded them."
    )
    content: ContentSettings = field(default_factory=ContentSettings)
    style: StyleSettings = field(default_factory=StyleSettings)
    photorealism: PhotorealismSettings = field(default_factory=PhotorealismSettings)
    temporal: TemporalSettings = field(default_factory=TemporalSettings)
    coherence: CoherenceSettings = field(default_factory=CoherenceSettings)
    smoothness: SmoothnessSettings = field(default_factory=SmoothnessSettings)
    structure: StructureSettings = field(default_factory=StructureSettings)
    gamut: GamutSettings = field(default_factory=GamutSettings)


@dataclass
class StillGridSettings:
    """The same for a still: nothing flickers there, so the transform may change more from place to place."""

    rows: int = setting(32, "Grid cells from top to bottom.", low=1, high=256)
    columns: int = setting(48, "Grid cells from left to right.", low=1, high=256)
    smoothness: float = setting(0.0001, "As for clips; the next three count by this one.", low=0)
    luma_smoothness: float = setting(100.0, "As for clips.", low=0)
    region_smoothness: float = setting(5.0, "As for clips.", low=0)
    gain: float = setting(12.0, "As for clips.", low=0)


@dataclass
class ParametrizationSettings:
    """What the optimizer moves: color transforms in a bilateral grid, or pixels."""

    kind: ParametrizationKind = setting(ParametrizationKind.bilateral_grid, "Which parametrization.")
    luma: int = setting(8, "Grid cells along luma.", low=1, high=64)
    rows: int = setting(16, "Grid cells from top to bottom.", low=1, high=256)
    columns: int = setting(24, "Grid cells from left to right.", low=1, high=256)
    smoothness: float = setting(
        0.1, "Weight of differences of the transforms over the picture; the next three count by it.", low=0
    )
    luma_smoothness: float = setting(60.0, "How many times as much differences along luma count.", low=0)
    region_smoothness: float = setting(
        40.0, "How many times as much differences inside a region count as those across a border of two.", low=0
    )
    gain: float = setting(14.0, "How many times as much a change of contrast counts.", low=0)
    levels: int = setting(
        7, "For 'pixels': levels of a pyramid they are moved on; more converge in fewer iterations.", low=1, high=12
    )
    still: StillGridSettings = field(default_factory=StillGridSettings)


@dataclass
class OptimizerSettings:
    """What moves the parametrization."""

    kind: OptimizerKind = setting(OptimizerKind.lbfgs, "Which optimizer.")
    learning_rate: float = setting(0.02, "Step size of Adam; L-BFGS finds its own.", low=1e-8)
    history: int = setting(10, "Steps L-BFGS remembers.", low=1, high=200)
    tolerance: float = setting(1e-4, "Stop when the loss fell by less than this share over the window.", low=0, high=1)
    window: int = setting(5, "Iterations over which the relative fall of the loss is judged.", low=1)
    line_search: bool = setting(True, "L-BFGS looks for the length of each step; off takes the one it proposes.")


@dataclass
class PassSettings:
    """Several passes over each shot, forward and backward in turn (Ruder et al. 2016)."""

    count: int = setting(1, "How many passes; 1 is every frame once, in order.", low=1, high=1000)
    iterations: list[int] | None = setting(
        None,
        "Iterations at each scale in the passes after the first; when not set those of schedule.next_iterations.",
        low=0,
    )
    alone: bool = setting(True, "The first pass takes every frame by itself; off has it as a run of one pass.")
    temporal_from: int = setting(
        2,
        "Pass from which the temporal term counts; a first pass that is not alone has it in any case.",
        low=2,
    )
    blend: float = setting(
        1.0, "At the start of a frame, weight of the neighbour that the pass has done, against the frame's own.", low=0
    )
    blend_ahead: float = setting(0.0, "The same of the neighbour that it has still to do.", low=0)


@dataclass
class KeyframeSettings:
    """Stylize a few frames of each shot, and blend the color transforms of the others between these."""

    kind: KeyframeKind = setting(
        KeyframeKind.none,
        "Which frames are stylized: 'none' has no keyframes and stylizes all, 'every' takes every so manyth, 'adaptive'"
        " looks how much changes.",
    )
    every: int = setting(8, "For 'every': frames from one keyframe to the next.", low=1, high=1000)
    longest: int = setting(24, "For 'adaptive': most frames from one keyframe to the next.", low=1, high=1000)
    change: float = setting(
        0.25,
        "For 'adaptive': share of the picture that may come into view, or change its color, till the next keyframe.",
        low=0,
        high=1,
    )
    bound: float = setting(
        0.1,
        "For 'adaptive': a frame between two whose style is farther from the photograph's than theirs by more than this"
        " share becomes a keyframe.",
        low=0,
        high=100,
    )
    carried: bool = setting(True, "Color transforms move along the flow between keyframes; off blends them in place.")
    effort: float = setting(
        2.0,
        "Factor on schedule.next_iterations for the keyframes after the first of a shot, as these are farther apart.",
        low=0,
        high=100,
    )


@dataclass
class ScheduleSettings:
    """Working sizes and iteration counts, coarse to fine."""

    scales: list[int] = setting(
        [80, 160, 320], "Working sizes (longer side, pixels), coarse to fine; one a stage.", low=16, high=8192
    )
    iterations: list[int] = setting([20, 20, 12], "Iterations at each scale for the first frame of a shot.", low=0)
    next_iterations: list[int] = setting(
        [0, 5, 1], "Iterations at each scale for the frames after it, whatever those start from.", low=0
    )
    effort: float = setting(
        1.0,
        "Factor on every number of iterations, rounded up; below 1 for a quicker and coarser result.",
        low=0,
        high=100,
    )
    still_size: int = setting(
        640, "A further working size for stills; no effect below the last scale.", low=16, high=8192
    )
    still_iterations: int = setting(14, "Iterations there; 0 leaves it out.", low=0)
    start: Start = setting(
        Start.content,
        "What the first frame of a shot starts from; noise is for free pixels, predicted is what a network gives.",
    )
    next_start: NextStart = setting(
        NextStart.warped, "What a later frame starts from; warped is the previous result, carried along the flow."
    )
    fill: Fill = setting(
        Fill.transform,
        "What a warped start takes where the flow cannot be trusted; transform is the frame with the former colors.",
    )
    passes: PassSettings = field(default_factory=PassSettings)
    keyframes: KeyframeSettings = field(default_factory=KeyframeSettings)


@dataclass
class LocalAffineSettings:
    """Luan et al.'s last step: local color transforms from frame to result, smoothed and applied to the frame."""

    enabled: bool = setting(False, "Smooth the result so, and bring it to full size so.")
    radius: int = setting(15, "Pixels of the working size over which transforms are smoothed.", low=0, high=200)
    range: float = setting(0.01, "Color difference over which they are.", low=1e-4)


@dataclass
class ShotSettings:
    """Cuts, where temporal terms and region mappings start anew."""

    detect: bool = setting(True, "Look for cuts; off treats the clip as one shot.")
    threshold: float = setting(
        27.0, "Content change that counts as a cut (PySceneDetect's ContentDetector).", low=0, high=255
    )


@dataclass
class VideoSettings:
    """How the result is written."""

    codec: Codec = setting(Codec.h264, "Codec of the result; 'png' writes a folder of frames.")
    quality: int = setting(18, "Constant rate factor for h264 and hevc; lower is better and larger.", low=0, high=51)
    encoder: EncodedBy = setting(
        EncodedBy.software,
        "What encodes h264 and hevc: only software gives the same bytes everywhere; 'auto' takes hardware that works.",
    )
    size: int | None = setting(
        None, "Longer side of the result in pixels; the input's own when not set.", low=16, high=16384
    )
    dither: bool = setting(True, "Round 8 bits by a fixed fine pattern, so that smooth skies show no bands.")


@dataclass
class CacheSettings:
    """Flow and regions computed once and kept by content."""

    enabled: bool = setting(True, "Keep computed guides on disk.")
    folder: str | None = setting(None, "Where; the user's cache folder when not set.")
    limit_mb: int = setting(1024, "Oldest guides are removed beyond this size.", low=1)


@dataclass
class Settings:
    """A whole run."""

    content: str = setting(MISSING, "The clip: a video file, a folder or glob of frames, or a still.")
    style: str = setting(
        MISSING,
        "The photograph whose light, season or weather the clip takes; or a trained network, or, with styler=predicted,"
        " a saved style (.safetensors).",
    )
    pairs: str | None = setting(None, "A folder of Luan et al.'s published pairs, in place of content and style.")
    pair: str | None = setting(None, "Which of them: a number, numbers with commas, or 'all' for a table.")
    output: str = setting(MISSING, "The result: a video file, a picture, or a folder for 'png'.")
    styler: StylerKind = setting(
        StylerKind.optimized,
        "What gives the clip the photograph's look: each frame optimized, or a network, in one pass.",
    )
    strength: float = setting(
        1.0, "How much of the change is shown: 0 is the clip as it was, 1 the full result.", low=0, high=1
    )
    seed: int = setting(0, "Seed of everything random.", low=0)
    device: str = setting("auto", "'auto', 'cpu', 'cuda' or 'cuda:N'.")
    compat: Compat = setting(Compat.none, "Repeat what a released program does beside its paper; see docs/method.md.")
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)
    flow: FlowSettings = field(default_factory=FlowSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    parametrization: ParametrizationSettings = field(default_factory=ParametrizationSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    local_affine: LocalAffineSettings = field(default_factory=LocalAffineSettings)
    feedforward: FeedforwardSettings = field(default_factory=FeedforwardSettings)
    predicted: PredictedSettings = field(default_factory=PredictedSettings)
    shots: ShotSettings = field(default_factory=ShotSettings)
    video: VideoSettings = field(default_factory=VideoSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
