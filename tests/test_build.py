"""Settings become the objects they name."""

from pathlib import Path

import pytest
import torch
from random_vgg import random_state
from torch import Tensor

from photovst.build import build_cache, build_device, build_encoder, build_motion
from photovst.build_optimizer import build_distances, build_optimizer, build_recipe, build_start
from photovst.build_regions import build_regions
from photovst.config import (
    EncoderKind,
    OptimizerKind,
    ParametrizationKind,
    Settings,
    TemporalTarget,
)
from photovst.errors import MediaError, SettingsError, WeightsError
from photovst.guidance.dis import Dis
from photovst.guidance.estimated_motion import EstimatedMotion
from photovst.guidance.farneback import Farneback
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.guides import Guides
from photovst.guidance.regions import whole_frame
from photovst.models.checkpoints import Checkpoint
from photovst.models.torchvision_ops import import_torchvision
from photovst.models.vgg import Vgg
from photovst.optimize.bilateral_grid import BilateralGrid
from photovst.optimize.frame_optimizer import FrameOptimizer, Scale
from photovst.optimize.grid_prior import GridPrior
from photovst.optimize.pixels import Pixels
from photovst.settings_io import load_settings

CPU = torch.device("cpu")
FRAME = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
PHOTO = torch.rand(1, 3, 40, 36, generator=torch.Generator().manual_seed(1))
WHOLE = whole_frame(PHOTO)


def _settings(*overrides: str) -> Settings:
    return load_settings([], overrides, {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"})


def _optimizer(*overrides: str) -> FrameOptimizer:
    settings = _settings(*overrides)
    return build_optimizer(settings, build_encoder(settings, CPU), WHOLE)


def test_auto_is_the_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert build_device(_settings()) == CPU
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert build_device(_settings()) == torch.device("cuda")
    assert build_device(_settings("device=cuda:1")) == torch.device("cuda:1")
    assert build_device(_settings("device=cpu")) == CPU


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:", "cpu:", "cpu:1", "cuda:-1", "cuda:²", "", "mps"])
def test_what_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^device={name} is no device; choose auto, cpu, cuda or cuda:N$"):
        build_device(_settings(f"device={name}"))


def test_a_device_this_machine_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(SettingsError, match=r"^device=cuda, but this machine has 0 CUDA devices; use device=cpu$"):
        build_device(_settings("device=cuda"))
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(SettingsError, match=r"^device=cuda:2, but this machine has 2 CUDA devices"):
        build_device(_settings("device=cuda:2"))


@pytest.mark.parametrize("kind", EncoderKind)
def test_every_encoder(kind: EncoderKind, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(
        f"encoder.kind={kind.name}", "encoder.stride=3", "encoder.pooling=average", "encoder.ceil=true"
    )
    if kind is EncoderKind.vgg19_cd16x:
        monkeypatch.setenv("PHOTOVST_WEIGHTS", str(request.getfixturevalue("shared") / "weights"))
    else:
        state = random_state("vgg16" if kind is EncoderKind.vgg16 else "vgg19", channels=4)
        monkeypatch.setattr("photovst.models.weights.load", lambda checkpoint: state)
    encoder = build_encoder(settings, CPU)
    frame = torch.rand(1, 3, 160, 241)
    features = encoder(frame)
    assert not any(planes.requires_grad for planes in features.values())
    if kind is EncoderKind.steerable:
        assert list(features) == [f"level{level}" for level in range(5)]
        assert features["level0"].shape[-2:] == (54, 81)
    else:
        assert isinstance(encoder, Vgg)
        assert list(features) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2", "relu5_1"]
        assert features["relu2_1"].shape[-2:] == (80, 121)
        assert encoder.pooling == "average"
        louder = build_encoder(_settings(f"encoder.kind={kind.name}", "encoder.gain=2"), CPU)(frame)
        torch.testing.assert_close(louder["relu1_1"], 2 * features["relu1_1"])


def test_a_vgg_returns_the_layers_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photovst.models.weights.load", lambda checkpoint: random_state("vgg19", channels=4))
    style = ["objective.style.layers=[relu1_2, conv3_4]", "objective.style.layer_weights=[.25, 3]"]
    for extra, expected in (
        (["objective.content.layer=relu2_1"], ["relu1_2", "relu2_1", "conv3_4"]),
        (["objective.content.weight=0"], ["relu1_2", "conv3_4"]),
        (["objective.style.weight=0"], ["relu4_2"]),
    ):
        settings = _settings("encoder.kind=vgg19", *style, *extra)
        assert list(build_encoder(settings, CPU)(FRAME)) == expected
        assert build_recipe(settings).style_layers == {"relu1_2": 0.25, "conv3_4": 3}
    with pytest.raises(SettingsError, match=r"^the encoder has no layer 'relu9_1'; choose from conv1_1, relu1_1"):
        build_encoder(_settings("encoder.kind=vgg19", "objective.style.layers=[relu9_1]"), CPU)
    for setting in ("objective.style.layers=[relu1_1]", "objective.content.layer=relu1_1"):
        with pytest.raises(SettingsError, match=r"^the encoder has no layer 'relu1_1'; choose from level0, level1"):
            build_encoder(_settings(setting), CPU)


def test_channels_last_changes_the_layout_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    state = random_state("vgg19", channels=4)
    monkeypatch.setattr("photovst.models.weights.load", lambda checkpoint: state)
    plain = build_encoder(_settings("encoder.kind=vgg19"), CPU)(FRAME)
    last = build_encoder(_settings("encoder.kind=vgg19", "encoder.channels_last=true"), CPU)(FRAME)
    for layer, planes in plain.items():
        torch.testing.assert_close(last[layer], planes, rtol=1e-4, atol=1e-5)
    assert last["relu2_1"].is_contiguous(memory_format=torch.channels_last)
    assert not plain["relu2_1"].is_contiguous(memory_format=torch.channels_last)


def test_half_the_bits_give_nearly_the_same_features() -> None:
    exact = build_encoder(_settings(), CPU)(FRAME)
    half = build_encoder(_settings("encoder.precision=bfloat16"), CPU)(FRAME)
    for layer, planes in exact.items():
        assert half[layer].dtype is torch.float32
        torch.testing.assert_close(half[layer], planes, rtol=0, atol=0.02 * planes.abs().max().item())
        assert not torch.equal(half[layer], planes)


def test_the_quirks_of_the_released_program_come_with_compat(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        "encoder.kind=vgg19_caffe",
        "objective.scale=coded",
        "parametrization.kind=pixels",
        "optimizer.line_search=false",
    ]
    plain, quirky = build_recipe(_settings(*asked)), build_recipe(_settings(*asked, "compat=torch7"))
    assert (plain.masked_gradient, quirky.masked_gradient) == (True, False)
    assert (plain.unreported, quirky.unreported) == (frozenset(), {"photorealism", "smoothness"})
    masks, features = torch.ones(1, 1, 8, 8), {"relu1_1": torch.zeros(1, 4, 8, 8)}
    assert plain.masks_of(masks, features)["relu1_1"].min() == 1
    assert quirky.masks_of(masks, features)["relu1_1"].min() == pytest.approx(4 / 9)  # a corner
    state = random_state("vgg19", channels=4)
    monkeypatch.setattr("photovst.models.weights.load", lambda checkpoint: state)
    brighter = [build_encoder(_settings(*asked, *extra), CPU) for extra in ((), ("compat=torch7",))]
    kernels = [encoder.get_buffer("preprocess_kernel").max().item() for encoder in brighter]  # type: ignore[attr-defined]
    assert kernels == [255, 256]
    optimizer = build_optimizer(_settings(*asked, "compat=torch7"), brighter[0], WHOLE)
    assert optimizer.handover is not None
    handed = optimizer.handover(Pixels.identity(FRAME))
    assert torch.equal(handed.lift(FRAME) * 255, (FRAME * 255).round())


def test_an_encoder_without_its_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody answers: as without a network
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    with pytest.raises(WeightsError, match=r"vgg19_cd16x\.pth .* is not in"):
        build_encoder(_settings("encoder.kind=vgg19_cd16x"), CPU)


def test_the_cache_is_pruned_to_its_limit_or_absent(tmp_path: Path) -> None:
    assert build_cache(_settings("cache.enabled=false", f"cache.folder={tmp_path / 'none'}")) is None
    assert not (tmp_path / "none").exists()
    (tmp_path / "old.npz").write_bytes(bytes((1 << 20) + 1))
    cache = build_cache(_settings(f"cache.folder={tmp_path}", "cache.limit_mb=1"))
    assert cache is not None
    assert cache.folder == tmp_path
    assert cache.limit == 1 << 20
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ParametrizationKind)
def test_every_parametrization_leaves_the_frame_as_it_is(kind: ParametrizationKind) -> None:
    settings = _settings(
        f"parametrization.kind={kind.name}",
        "parametrization.luma=3",
        "parametrization.rows=5",
        "parametrization.columns=7",
    )
    start = build_start(settings, CPU)(FRAME)
    torch.testing.assert_close(start.lift(FRAME), FRAME, rtol=0, atol=1e-5)
    if kind is ParametrizationKind.bilateral_grid:
        assert isinstance(start, BilateralGrid)
        assert start.grid.shape == (3, 5, 7, 12)
    else:
        assert isinstance(start, Pixels)


@pytest.mark.parametrize("still", [False, True])
def test_clips_and_stills_have_grids_of_their_own(still: bool) -> None:
    clip = ["luma=3", "rows=5", "columns=7", "smoothness=.5", "luma_smoothness=2", "region_smoothness=3", "gain=4"]
    own = ["rows=6", "columns=8", "smoothness=.25", "luma_smoothness=12", "region_smoothness=13", "gain=14"]
    settings = _settings(*(f"parametrization.{x}" for x in clip), *(f"parametrization.still.{x}" for x in own))
    start = build_start(settings, CPU, still)(FRAME)
    assert isinstance(start, BilateralGrid)
    assert start.grid.shape == ((3, 6, 8, 12) if still else (3, 5, 7, 12))
    assert start.prior == (GridPrior(0.25, 12, 13, 14) if still else GridPrior(0.5, 2, 3, 4))
    optimizer = build_optimizer(settings, build_encoder(settings, CPU), WHOLE, still)
    own_start = optimizer.starts.first(Guides(FRAME, FRAME[:, :1]))
    assert isinstance(own_start, BilateralGrid)
    assert own_start.prior == start.prior


@pytest.mark.parametrize("kind", OptimizerKind)
@pytest.mark.parametrize("target", TemporalTarget)
def test_every_optimizer_and_target(kind: OptimizerKind, target: TemporalTarget) -> None:
    optimizer = _optimizer(
        f"optimizer.kind={kind.name}",
        f"objective.temporal.target={target.name}",
        "optimizer.learning_rate=0.5",
        "optimizer.history=7",
        "optimizer.tolerance=0.25",
        "optimizer.window=3",
        "schedule.scales=[16, 32]",
        "schedule.iterations=[4, 3]",
        "schedule.next_iterations=[2, 1]",
        "schedule.next_start=previous",
        "objective.photorealism.epsilon=1e-5",
    )
    solver = optimizer.solver
    assert solver.kind == kind.value
    assert (solver.learning_rate, solver.history, solver.tolerance, solver.window) == (0.5, 7, 0.25, 3)
    assert optimizer.scales == [Scale(16, 4, 2), Scale(32, 3, 1)]
    assert optimizer.terms.recipe.temporal_target == target.value
    assert optimizer.starts.later == "previous"
    assert optimizer.terms.recipe.epsilon == 1e-5
    result = optimizer.stylize(Guides(FRAME, torch.ones(1, 1, 32, 48)), None)
    assert result.losses["total"] > 0


def test_every_term_has_its_own_weight_and_none_without() -> None:
    names = ("content", "style", "photorealism", "temporal", "smoothness", "structure", "gamut")
    given = {name: float(place) for place, name in enumerate(names, start=1)}
    overrides = [f"objective.{name}.weight={weight}" for name, weight in given.items()]
    assert _optimizer(*overrides).terms.recipe.weights == given
    for name in names:
        weights = _optimizer(*overrides, f"objective.{name}.weight=0").terms.recipe.weights
        assert weights == {other: weight for other, weight in given.items() if other != name}


def test_an_objective_that_could_change_nothing_is_refused() -> None:
    names = ("content", "style", "photorealism", "smoothness", "structure", "gamut")
    zeros = [f"objective.{name}.weight=0" for name in names]
    for temporal in (0, 10):
        with pytest.raises(SettingsError, match=r"is 0 but of terms between frames or of later"):
            _optimizer(*zeros, f"objective.temporal.weight={temporal}")


def test_the_default_settings_build_a_whole_run() -> None:
    settings = _settings("schedule.scales=[16, 32, 48]", "schedule.iterations=[2, 1, 1]")
    regions = build_regions(settings, [FRAME], PHOTO, 2)
    optimizer = build_optimizer(settings, build_encoder(settings, CPU), regions)
    result = optimizer.stylize(Guides(FRAME, regions.of(0, FRAME)), None)
    shown: Tensor = result.parametrization.lift(FRAME)
    assert shown.shape == FRAME.shape
    assert not torch.equal(shown, FRAME)


@pytest.mark.parametrize(("method", "kind"), [("dis", Dis), ("farneback", Farneback)])
def test_motion_is_estimated_by_the_method(method: str, kind: type, tmp_path: Path) -> None:
    settings = _settings(f"flow.method={method}", "flow.certainty=paper", f"cache.folder={tmp_path}")
    cache = build_cache(settings)
    motion = build_motion(settings, (32, 48), CPU, cache)
    assert isinstance(motion, EstimatedMotion)
    assert isinstance(motion.estimator, kind)
    assert motion.cache is cache
    assert motion.certainty == "paper"


def test_motion_from_files_knows_the_clips_size(tmp_path: Path) -> None:
    settings = _settings("flow.method=files", f"flow.folder={tmp_path}")
    assert build_motion(settings, (32, 48), CPU, None) == FlowFiles(tmp_path, (32, 48), "coded")
    with pytest.raises(MediaError, match="there is no folder absent to read flow from"):
        build_motion(_settings("flow.method=files", "flow.folder=absent"), (32, 48), CPU, None)


@pytest.mark.parametrize("kind", ["small", "large"])
def test_motion_by_raft_takes_its_own_weights(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import_torchvision()
    from torchvision.models import optical_flow

    state = getattr(optical_flow, f"raft_{kind}")().state_dict()
    asked = []

    def load(checkpoint: Checkpoint) -> dict[str, Tensor]:
        asked.append(checkpoint.name)
        return state

    monkeypatch.setattr("photovst.models.weights.load", load)
    motion = build_motion(_settings(f"flow.method=raft_{kind}"), (32, 48), CPU, None)
    assert asked == [f"raft_{kind}"]
    assert isinstance(motion, EstimatedMotion)
    assert motion.estimator.name.startswith(f"raft_{kind} ")
    pair = motion.between(FRAME, FRAME, (0, 1))
    assert pair.to_next.shape == (1, 2, 32, 48)


def test_motion_without_its_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    monkeypatch.setattr("photovst.models.weight_files.download", _offline)
    with pytest.raises(WeightsError, match=r"raft_large_C_T_SKHT_V2-ff5fadd5\.pth .* run 'photovst weights fetch raft"):
        build_motion(_settings("flow.method=raft_large"), (32, 48), CPU, None)


def _offline(*_: object) -> None:
    raise WeightsError("no network")


def test_one_region_asks_for_no_motion() -> None:
    alone = ("objective.temporal.weight=0", "schedule.next_start=content")
    assert build_distances(_settings(*alone)) == (1,)
    assert build_distances(_settings(*alone, "segmentation.method=none")) == ()
    assert build_distances(_settings(*alone, "segmentation.method=files", "segmentation.content=m.png")) == ()
    still = [f"segmentation.{name}" for name in ("persistence=0", "hysteresis=0", "every=1")]
    assert build_distances(_settings(*alone, *still)) == ()
    for one in range(3):
        assert build_distances(_settings(*alone, *still[:one], *still[one + 1 :])) == (1,)
    assert build_distances(_settings("objective.temporal.neighbors=[2,5]")) == (1, 2, 5)
    assert build_distances(_settings("objective.temporal.neighbors=[2,5]", "segmentation.method=none"), 1) == ()
