"""Trainings from their settings to a network's file, small ones."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import run
from torch import Tensor

from photovst.build_training import build_new_network, build_task, build_training_data, read_style_picture
from photovst.errors import MediaError, SettingsError, WeightsError
from photovst.media.flow_files import write_flow
from photovst.media.images import read_image, write_image
from photovst.media.label_legend import Entry, Legend, write_legend
from photovst.media.label_values import write_labels
from photovst.models.network_files import TrainedNetwork, load_network
from photovst.models.networks import build_network
from photovst.progress import progress_for
from photovst.train import train_network
from photovst.training.preparation import prepare
from photovst.training_config import TrainingSettings
from photovst.training_settings import load_training

SMALL = (
    "network.width=4", "network.blocks=1", "steps=3", "log_every=1", "encoder.stride=1", "device=cpu",
    "data.size=[48,48]", "data.batch=1", "data.workers=0",
    "data.sources.scenes.kind=procedural", "data.sources.scenes.scenes=1", "data.sources.scenes.frames=7",
    "data.sources.scenes.size=[64,80]",
)  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    picture = np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)
    write_image(tmp_path / "style.png", picture)
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def painted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One place where scenes are kept for all these tests: to paint them is most of the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def settings(place: Path, *more: str) -> TrainingSettings:
    named = (f"style={place / 'style.png'}", f"output={place / 'n.safetensors'}")
    return load_training((), (*SMALL, *named, *more))


def train(chosen: TrainingSettings) -> TrainedNetwork:
    with progress_for(quiet=True) as progress:
        return load_network(train_network(chosen, progress=progress))


def test_a_training_ends_with_a_file_that_says_what_it_is(place: Path) -> None:
    more = ("loss.output_temporal=1", "loss.long_term=1", "loss.feature_temporal=1", "name=noise", "license=free")
    (place / "shown").mkdir()
    write_image(place / "shown/1.png", np.zeros((33, 40, 3), np.uint8))
    network = train(settings(place, *more, "sample_every=3", f"sample_clip={place / 'shown'}"))
    assert network.kind == "reconet"
    assert network.options == {"width": 4, "blocks": 1, "norm": "instance"}
    np.testing.assert_array_equal(network.style, read_image(place / "style.png"))
    assert network.about["name"] == "noise"
    assert network.about["license"] == "free"
    assert network.about["steps"] == "3 of 1 samples"
    assert "long_term" in network.about["losses at the end"]
    assert {"step_000003.mp4", "step_000003.png"} == {path.name for path in (place / "n.run/samples").iterdir()}
    again = train_network
    with pytest.raises(MediaError, match="pass --overwrite"), progress_for(quiet=True) as progress:
        again(settings(place, *more), progress=progress)


def test_the_same_settings_give_the_same_bytes(place: Path) -> None:
    train(settings(place))
    first = (place / "n.safetensors").read_bytes()
    other = place / "other"
    other.mkdir()
    (other / "style.png").write_bytes((place / "style.png").read_bytes())
    train(settings(other))
    assert (other / "n.safetensors").read_bytes() == first


def any_style(place: Path, kind: str, *more: str) -> TrainingSettings:
    scenes = {"kind": "scenes", "count": "1", "size": "[64,80]", "first_seed": "1000"}
    chosen = (
        *(f"network.kind={kind}", f"output={place / 'n.safetensors'}", "network.size=48"),
        *("styles.size=[48,48]", "steps=2", *(f"styles.sources.scenes.{name}={scenes[name]}" for name in scenes)),
    )
    return load_training((), (*SMALL, *chosen, *more))


@pytest.mark.parametrize("kind", ["arbitrary", "photographic"])
def test_a_network_of_any_style_is_trained_on_many(place: Path, kind: str) -> None:
    (place / "shown").mkdir()
    write_image(place / "shown/1.png", np.zeros((33, 40, 3), np.uint8))
    shown = ("sample_every=2", f"sample_clip={place / 'shown'}")
    more = {
        "arbitrary": ("loss.feature_temporal=1", "network.bottleneck=4", "styles.own=0.5", *shown),
        "photographic": ("styles.regions=2", "loss.grid_smoothness=1", "precision=bfloat16"),
    }[kind]
    chosen = any_style(place, kind, "loss.output_temporal=1", *more)
    network = train(chosen)
    assert network.kind == kind
    assert network.style is None
    assert network.about["style"] == "any; trained on scenes (scenes)"
    new = build_new_network(chosen).state_dict()
    assert any(not torch.equal(value, new[name]) for name, value in network.module.state_dict().items())


def test_what_predicts_styles_can_stay_as_it_is(place: Path) -> None:
    begun = train(any_style(place, "arbitrary", "network.bottleneck=4")).module.state_dict()
    place.joinpath("n.safetensors").rename(place / "begun.safetensors")
    place.joinpath("n.run").rename(place / "begun.run")
    frozen = ("network.bottleneck=4", "network.frozen=true", f"start={place / 'begun.safetensors'}")
    went_on = train(any_style(place, "arbitrary", *frozen)).module.state_dict()
    changed = {name.split(".")[0] for name, value in went_on.items() if not torch.equal(value, begun[name])}
    assert changed == {"contract", "residual", "expand"}


def test_training_can_start_from_a_network(place: Path) -> None:
    begun = train(settings(place))
    place.joinpath("n.safetensors").rename(place / "begun.safetensors")
    small = ("optimizer.learning_rate=1e-9", "steps=1", f"start={place / 'begun.safetensors'}")
    went_on = train(settings(place, *small, f"output={place / 'm.safetensors'}"))
    for name, value in begun.module.state_dict().items():
        torch.testing.assert_close(went_on.module.state_dict()[name], value, rtol=0, atol=1e-6)
    with pytest.raises(WeightsError, match=r"is a network of kind reconet with .*'width': 4"):
        train(settings(place, *small, f"output={place / 'o.safetensors'}", "network.width=8"))


def test_training_can_start_from_a_checkpoint(place: Path) -> None:
    begun = train(settings(place)).module.state_dict()
    checkpoint = place / "n.run/checkpoints/step_00000003.pt"
    new = build_new_network(settings(place, f"start={checkpoint}")).state_dict()
    for name, value in begun.items():
        torch.testing.assert_close(new[name], value, rtol=0, atol=2e-3)  # the file is in half precision
    with pytest.raises(WeightsError, match=r"is of another network than reconet with .*'width': 8"):
        build_new_network(settings(place, f"start={checkpoint}", "network.width=8"))
    with pytest.raises(WeightsError, match=r"gone\.pt does not exist"):
        build_new_network(settings(place, "start=gone.pt"))
    (place / "folder.pt").mkdir()
    with pytest.raises(WeightsError, match=r"folder\.pt is a folder"):
        build_new_network(settings(place, f"start={place / 'folder.pt'}"))
    torch.save({"photovst_checkpoint": 1, "step": 1}, place / "empty.pt")
    with pytest.raises(WeightsError, match=r"empty\.pt holds no network"):
        build_new_network(settings(place, f"start={place / 'empty.pt'}"))


def test_the_style_is_shrunk_and_must_not_be_tiny(place: Path) -> None:
    assert read_style_picture(settings(place, "style_size=36")).shape == (30, 36, 3)
    assert read_style_picture(settings(place, "style_size=480")).shape == (40, 48, 3)
    write_image(place / "style.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(MediaError, match="8x8 pixels, but a style needs at least 32 a side"):
        read_style_picture(settings(place))


def labeled(place: Path) -> tuple[str, ...]:
    """A style picture whose upper half is sky and whose lower half is ground."""
    labels = np.zeros((40, 48), np.uint8)
    labels[20:] = 7
    legend = Legend((Entry(0, "sky", (0, 0, 255)), Entry(7, "ground", (0, 255, 0))))
    write_labels(place / "labels.png", labels, legend)
    write_legend(place, legend)
    return (f"style_labels={place / 'labels.png'}",)


def test_a_photorealistic_network_learns_by_regions(place: Path) -> None:
    more = ("network.kind=grid", "network.size=48", "loss.regions={sky: [sky], land: [mountain, vegetation, ground]}")
    weights = ("loss.structure=0.1", "loss.gamut=10", "loss.grid_smoothness=0.1", "loss.photorealism=1")
    network = train(settings(place, *labeled(place), *more, *weights))
    assert network.kind == "grid"
    assert network.options["size"] == 48


def test_regions_are_those_of_the_labels_whatever_their_numbers(place: Path) -> None:
    def style_term(*more: str) -> Tensor:
        chosen = settings(place, *more)
        network = build_network("reconet", {"width": 4, "blocks": 1})
        term = build_task(chosen, network, read_style_picture(chosen), torch.device("cpu")).terms["style"]
        return term.targets["level0"]  # type: ignore[attr-defined,no-any-return]

    labels = labeled(place)
    plain, masked = style_term(), style_term(*labels, "loss.regions={top: [sky], low: [ground, water]}")
    assert (len(plain), len(masked)) == (1, 3)
    torch.testing.assert_close((masked[0] + masked[1]) / 2, plain[0], rtol=1e-3, atol=1e-4)  # halves of one picture
    torch.testing.assert_close(masked[2], plain[0])
    chosen = settings(place, *labels, "loss.regions={far: [moving object]}")
    with pytest.raises(SettingsError, match="far is moving object, but the style picture shows only ground, sky"):
        build_task(chosen, build_network("reconet", {"width": 4}), read_style_picture(chosen), torch.device("cpu"))
    with pytest.raises(MediaError, match=r"other\.png does not exist"):
        style_term("style_labels=other.png", "loss.regions={top: [sky]}")


def test_frames_without_a_layer_that_counts_are_refused(place: Path) -> None:
    chosen = settings(place, "loss.content_layer=level4", "data.size=[48, 64]")
    said = r"^data\.size=\[48, 64\] is too small for level4 of the encoder, which has level0, .* there; raise it, or"
    with pytest.raises(SettingsError, match=said):
        build_task(chosen, build_network("reconet", {"width": 4}), read_style_picture(chosen), torch.device("cpu"))


@pytest.mark.parametrize(
    ("source", "error", "line"),
    [
        (("kind=clips", "path=nowhere"), MediaError, "nowhere"),
        (("kind=sintel", "path=nowhere"), MediaError, "nowhere"),
        (("kind=scene_flow", "path=nowhere"), MediaError, "nowhere"),
        (("kind=flying_chairs", "path=nowhere"), MediaError, "nowhere"),
        (("kind=davis", "path=nowhere"), MediaError, "nowhere"),
        (("kind=still_motion", "path=nowhere"), MediaError, "nowhere"),
    ],
)
def test_data_that_is_not_there(place: Path, source: tuple[str, ...], error: type[Exception], line: str) -> None:
    chosen = settings(place, *(f"data.sources.more.{each}" for each in source))
    with pytest.raises(error, match=line):
        build_training_data(chosen)


def test_sintel_is_told_by_its_renderings(shared: Path, place: Path) -> None:
    only = (
        *("data.sources.scenes.weight=0", "data.sources.s.kind=sintel"),
        f"data.sources.s.path={shared / 'data/sintel'}",
    )
    (both,) = build_training_data(settings(place, *only)).sources
    (clean,) = build_training_data(settings(place, *only, "data.sources.s.rendering=clean")).sources
    assert len(both.pairs) == 2 * len(clean.pairs) > 0  # type: ignore[attr-defined]
    assert all("/clean/" in str(pair.first) for pair in clean.pairs)  # type: ignore[attr-defined]


def test_flow_that_is_missing_is_told_of(place: Path) -> None:
    for kind, count in (("clean", 4), ("final", 4), ("occlusions", 3), ("invalid", 3), ("flow", 2)):
        folder = place / "sintel/training" / kind / "alley_1"
        folder.mkdir(parents=True)
        for number in range(1, count + 1):
            if kind == "flow":
                write_flow(folder / f"frame_{number:04d}.flo", np.zeros((64, 80, 2), np.float32))
            else:
                write_image(folder / f"frame_{number:04d}.png", np.zeros((64, 80, 3), np.uint8))
    source = ("data.sources.scenes.weight=0", "data.sources.s.kind=sintel", f"data.sources.s.path={place / 'sintel'}")
    for more, lacking in (((), "alley_1 has {}, and so with 1 more clips"), (("rendering=final",), "alley_1 has {}")):
        data = build_training_data(settings(place, *source, *(f"data.sources.s.{each}" for each in more)))
        with progress_for(quiet=True) as progress:
            prepare(data, 1, progress)
        said = lacking.format("ground truth for 2 of 3 pairs of frames")
        (warning,) = progress.warnings
        assert f"{said}; what has none is not trained on" in warning


def test_the_verb_trains(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = place / "c.yaml"
    config.write_text(
        f"style: {place / 'style.png'}\noutput: {place / 'n.safetensors'}\ndata: {{cache: {place / 'c'}}}\n"
    )
    assert run("train", str(config), *SMALL, "--quiet") == 0
    assert capsys.readouterr().out == f"{place / 'n.safetensors'}\n"
    (place / "begun.safetensors").write_bytes(b"\x80\x04K\x01.")
    assert run("train", str(config), *SMALL, f"start={place / 'begun.safetensors'}", "--quiet", "--overwrite") == 2
    assert "no whole safetensors file" in capsys.readouterr().err
