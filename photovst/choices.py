"""What there is to choose among in the settings of ``config.py``: a class a choice, a line an option. Torch-free."""

from __future__ import annotations

from enum import Enum


class StylerKind(Enum):
    """What gives frames the style."""

    optimized = "optimized"
    predicted = "predicted"


class EncoderKind(Enum):
    """What turns a picture into the features that style and content are measured in."""

    steerable = "steerable"
    vgg19 = "vgg19"
    vgg16 = "vgg16"
    vgg19_caffe = "vgg19_caffe"
    vgg19_cd16x = "vgg19_cd16x"


class Pooling(Enum):
    """How a VGG halves its features."""

    max = "max"
    average = "average"


class Precision(Enum):
    """What an encoder computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"


class Backend(Enum):
    """What computes a trained network."""

    torch = "torch"
    onnxruntime = "onnxruntime"


class NetworkPrecision(Enum):
    """What a trained network computes in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class SegmentationMethod(Enum):
    """Where region masks come from."""

    joint = "joint"
    ade20k = "ade20k"
    ade20k_mobile = "ade20k_mobile"
    files = "files"
    none = "none"


class Ade20kNetwork(Enum):
    """A published network that names the 150 classes of ADE20K (Zhou et al. 2017)."""

    mobilenetv2dilated = "mobilenetv2dilated"
    resnet18dilated = "resnet18dilated"
    resnet50dilated = "resnet50dilated"
    resnet101dilated = "resnet101dilated"
    resnet50_upernet = "resnet50_upernet"
    resnet101_upernet = "resnet101_upernet"
    hrnetv2 = "hrnetv2"


class FlowMethod(Enum):
    """What computes optical flow."""

    dis = "dis"
    farneback = "farneback"
    deepflow = "deepflow"
    raft_small = "raft_small"
    raft_large = "raft_large"
    files = "files"


class FlowCertainty(Enum):
    """How far a flow is trusted, from the flow there and back (Ruder et al. 2016)."""

    coded = "coded"
    paper = "paper"


class TemporalTarget(Enum):
    """What a frame is held to: the previous transform on this frame, or the previous output, warped."""

    transform = "transform"
    output = "output"


class ParametrizationKind(Enum):
    """What the optimizer moves."""

    bilateral_grid = "bilateral_grid"
    pixels = "pixels"


class OptimizerKind(Enum):
    """What moves it."""

    lbfgs = "lbfgs"
    adam = "adam"


class MattingForm(Enum):
    """How the matting Laplacian is kept."""

    stencil = "stencil"
    free = "free"


class ObjectiveScale(Enum):
    """How terms are normalized."""

    relative = "relative"
    paper = "paper"
    coded = "coded"


class TemporalLoss(Enum):
    """How distance from the target counts."""

    mse = "mse"
    smooth_l1 = "smooth_l1"


class CoherenceKind(Enum):
    """How a frame is held to the one before it without a certainty of flow."""

    mse = "mse"
    enhanced = "enhanced"
    flow = "flow"
    difference = "difference"


class Start(Enum):
    """What the first frame of a shot starts from."""

    content = "content"
    noise = "noise"
    predicted = "predicted"


class NextStart(Enum):
    """What the frames after it start from."""

    warped = "warped"
    previous = "previous"
    first = "first"
    content = "content"
    noise = "noise"


class KeyframeKind(Enum):
    """Which frames are stylized; the others are blended between them."""

    none = "none"
    every = "every"
    adaptive = "adaptive"


class Fill(Enum):
    """What a warped start takes where the flow cannot be trusted."""

    transform = "transform"
    warped = "warped"
    content = "content"
    mean = "mean"


class Compat(Enum):
    """A released program whose departures from its paper are repeated."""

    none = "none"
    torch7 = "torch7"


class Codec(Enum):
    """How the result is written."""

    h264 = "h264"
    hevc = "hevc"
    prores = "prores"
    ffv1 = "ffv1"
    png = "png"


class EncodedBy(Enum):
    """What encodes H.264 and HEVC."""

    software = "software"
    auto = "auto"
    nvenc = "nvenc"
    qsv = "qsv"
    amf = "amf"
    v4l2m2m = "v4l2m2m"


class Layout(Enum):
    """How clips are shown together."""

    side = "side"
    split = "split"
