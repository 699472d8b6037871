"""Settings of a training: what loads, and what is refused in which words."""

from pathlib import Path

import pytest

from photovst.errors import SettingsError
from photovst.media.scenes import LABELS, Look
from photovst.models.networks import CONDITIONED, KINDS
from photovst.schema import resolved_yaml
from photovst.training_choices import SCENE_LABELS, SceneLook
from photovst.training_config import NetworkKind, SourceKind, SourceSettings, TrainingSettings
from photovst.training_settings import describe_training, distances, load_training, of_any_style

PATHS = {"style": "style.png", "output": "net.safetensors"}
SCENES = "data.sources.scenes.kind=procedural"
REGIONS = ["loss.regions.sky=[sky]", "style_labels=labels.png"]


def load(*overrides: str) -> TrainingSettings:
    return load_training((), [SCENES, *overrides], PATHS)


def test_defaults_are_the_dataclasses_own() -> None:
    expected = TrainingSettings(**PATHS)
    expected.data.sources["scenes"] = SourceSettings(SourceKind.procedural)
    assert load() == expected


def test_it_reads_back_what_it_prints(tmp_path: Path) -> None:
    settings = load(*REGIONS, "optimizer.milestones=[10, 20]", "data.sources.photos.kind=still_motion")
    (tmp_path / "config.yaml").write_text(resolved_yaml(settings))
    assert load_training([tmp_path / "config.yaml"]) == settings


def test_the_order_of_sources_does_not_tell() -> None:
    names = ("b", "a", "c")
    settings = [
        load_training((), [f"data.sources.{name}.kind=still_motion" for name in order], PATHS)
        for order in (names, names[::-1])
    ]
    assert [list(each.data.sources) for each in settings] == [["a", "b", "c"]] * 2


def test_choices_are_those_of_the_parts() -> None:
    assert SCENE_LABELS == LABELS
    assert [look.value for look in SceneLook] == [look.value for look in Look]
    assert [kind.value for kind in NetworkKind] == list(KINDS)
    assert {kind.value for kind in NetworkKind if of_any_style(kind)} == CONDITIONED


def test_data_is_as_far_apart_as_losses_look() -> None:
    assert distances(load().loss) == (1,)
    assert distances(load("loss.long_term=1", "loss.long_term_distance=7").loss) == (1, 7)


def test_every_setting_is_described_with_a_meaning() -> None:
    rows = {row.name: row for row in describe_training()}
    assert all(row.meaning.endswith(".") for row in rows.values())
    assert rows["output"].default == "(must be set)"
    assert rows["data.sources.<name>.kind"].type.startswith("one of procedural, still_motion, sintel")
    assert rows["loss.regions"].type == "mapping of names to list of text"


def test_described_defaults_load_as_overrides() -> None:
    given = ("style", "output")
    rows = [row for row in describe_training() if row.name not in given and "<" not in row.name]
    assert load(*(f"{row.name}={row.default}" for row in rows)) == load()


@pytest.mark.parametrize("name", ["style", "output"])
def test_missing_paths_are_named(name: str) -> None:
    rest = {key: value for key, value in PATHS.items() if key != name}
    with pytest.raises(SettingsError, match=rf"^{name} is missing; set {name}=\.\.\. \(The "):
        load_training((), [SCENES], rest)
    with pytest.raises(SettingsError, match=rf"^{name} is empty"):
        load_training((), [SCENES], {**PATHS, name: ""})


def test_data_must_come_from_somewhere() -> None:
    with pytest.raises(SettingsError, match=r"^data\.sources: there are none; .*\.kind=procedural"):
        load_training((), (), PATHS)
    with pytest.raises(SettingsError, match=r"^data\.sources: all have weight 0"):
        load("data.sources.scenes.weight=0")


def test_a_source_of_weight_0_may_lack_its_folder() -> None:
    load("data.sources.sintel.kind=sintel", "data.sources.sintel.weight=0")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.sources.s.kind=sintel"], r"^data\.sources\.s\.kind=sintel needs data\.sources\.s\.path=FOLDER$"),
        (["data.sources.s.weight=2"], r"^data\.sources\.s\.kind is missing; set data\.sources\.s\.kind="),
        (["data.sources.scenes.path=x"], r"scenes\.path=x has no meaning for data\.sources\.scenes\.kind=procedural"),
        (["data.sources.scenes.rendering=clean"], r"rendering is for sintel and scene_flow, not for kind=procedural"),
        (["data.sources.scenes.looks=[]"], r"scenes\.looks is empty; name one or more"),
        (["data.sources.scenes.looks=[dusk]"], r"scenes\.looks takes a list of one of day, sunset"),
        (["data.sources.scenes.size=[320]"], r"scenes\.size takes a height and a width, .* but \[320\] was given"),
        (["data.sources.scenes.frames=5", "loss.long_term=1"], r"frames=5, but losses look 5 frames back; give more"),
        (["data.size=[64, 64, 64]"], r"^data\.size takes a height and a width, .* but \[64, 64, 64\] was given"),
        (["data.size=[16, 64]"], r"data\.size\[0\] takes a number from 32 to 4096, but 16 was given"),
        (["data.scale=[1]"], r"^data\.scale takes the smallest and the largest, .* but \[1\.0\] was given"),
        (["data.scale=[2, 1]"], r"^data\.scale must not descend, but \[2\.0, 1\.0\] was given"),
        (["output=net.pt"], r"sets what is given as an argument already"),
        (["loss.style=0"], r"^loss\.style=0 leaves nothing to learn"),
        (["loss.style_layers=[]"], r"^loss\.style_layers is empty"),
        (["loss.feature_temporal=1", "network.kind=grid"], r"^loss\.feature_temporal=1 .* but network\.kind=grid"),
        (["loss.grid_smoothness=1"], r"needs network\.kind=grid or photographic, but it is reconet"),
        (["style_labels=x.png"], r"^style_labels goes with loss\.regions, which is empty"),
        (["loss.regions.sky=[sky]"], r"^loss\.regions needs style_labels=PATH"),
        ([*REGIONS, "loss.regions.land=[]"], r"^loss\.regions\.land is empty; name labels among sky, mountain"),
        ([*REGIONS, "loss.regions.land=[grund]"], r"land: there is no scene label 'grund'; did you mean 'ground'\?"),
        ([*REGIONS, "loss.regions.top=[sky]"], r"^loss\.regions\.top: 'sky' is in sky already; leave one out"),
        (["optimizer.milestones=[20, 10]"], r"^optimizer\.milestones must ascend, each once, but \[20, 10\]"),
        (["optimizer.milestones=[20]", "steps=20"], r"^optimizer\.milestones ends with 20, but steps=20; lower"),
        (["optimizer.betas=[0.9]"], r"^optimizer\.betas takes two numbers, .* but \[0\.9\] was given"),
        (["optimizer.betas=[0.9, 1]"], r"optimizer\.betas\[1\] takes a number from 0 to 0\.999999, but 1\.0 was"),
        (["optimizer.kind=sgd"], r"optimizer\.kind takes one of adam, adamax, but the text 'sgd'"),
        (["ema=1"], r"ema takes a number from 0 to"),
        (["divergence.window=100"], r"^divergence\.window=100 is not more than twice divergence\.patience=50"),
        (["precision=float16", "device=cpu"], r"^precision=float16 needs a GPU, but device is cpu; set precision="),
        (["start=net.safetensors"], r"^output and start are both net\.safetensors; choose another output"),
        (["network.widht=3"], r"unknown setting 'network\.widht'; did you mean 'network\.width'\?"),
    ],
)  # fmt: skip
def test_overrides_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(*overrides)
    assert "\n" not in str(caught.value)


ANY = ("network.kind=arbitrary", "styles.sources.paintings.kind=paintings")


def load_any(*overrides: str) -> TrainingSettings:
    return load_training((), [SCENES, *ANY, *overrides], {"output": "net.safetensors"})


def test_a_network_of_any_style_needs_no_style_but_sources_of_them() -> None:
    settings = load_any("styles.sources.a.kind=scenes")
    assert settings.style is None
    assert list(settings.styles.sources) == ["a", "paintings"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["style=x.png"], r"^style=x\.png is for networks of one style, but network\.kind=arbitrary is of any"),
        (["styles.sources.paintings.weight=0"], r"^styles\.sources: all have weight 0; give one or more, such as"),
        (["styles.sources.a.kind=pictures"], r"^styles\.sources\.a\.kind=pictures needs a folder; set its path"),
        (["styles.sources.paintings.path=x"], r"kind=paintings is procedural; leave its path out"),
        (["styles.sources.a.kind=scenes", "styles.sources.a.looks=[]"], r"sources\.a\.looks is empty"),
        (["styles.size=[64]"], r"^styles\.size takes a height and a width"),
        (["styles.own=0.5", "styles.relit=0.75"], r"^styles\.own=0\.5 and styles\.relit=0\.75 are more than 1"),
        (["styles.scale=[2, 1]"], r"^styles\.scale must not descend"),
        (
            ["loss.regions.sky=[sky]"],
            r"^loss\.regions is for networks of one style; with arbitrary set styles\.",
        ),
        (["network.kind=photographic", "network.frozen=true"], r"^network\.frozen=true is for 'arbitrary'"),
        (["network.kind=photographic", "loss.feature_temporal=1"], r"but network\.kind=photographic has none"),
        (["network.kind=reconet", "style=x.png"], r"^styles\.sources are for networks of any style, but .*=reconet"),
    ],
)
def test_styles_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load_any(*overrides)
    assert "\n" not in str(caught.value)


def test_a_network_is_a_safetensors_file() -> None:
    with pytest.raises(SettingsError, match=r"^output is net\.pt, but a network is a \.safetensors file"):
        load_training((), [SCENES], {**PATHS, "output": "net.pt"})
