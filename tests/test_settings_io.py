"""Settings: what loads, what is refused, and in which words."""

from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

import pytest

from photovst.config import OptimizerKind, Settings
from photovst.errors import SettingsError
from photovst.settings_io import describe_settings, load_settings, resolved_yaml, type_text

PATHS = {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"}


def load(*overrides: str) -> Settings:
    return load_settings([], overrides, PATHS)


def load_yaml(folder: Path, text: str) -> Settings:
    (folder / "day.yaml").write_text(text)
    return load_settings([folder / "day.yaml"], [], PATHS)


def test_defaults_are_the_dataclasses_own() -> None:
    assert load() == Settings(**PATHS)


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("seed: 1\nstrength: 0.1\nobjective: {style: {weight: 5}}\n")
    (tmp_path / "b.yaml").write_text("seed: 2\nstrength: 0.2\n")
    settings = load_settings([tmp_path / "a.yaml", tmp_path / "b.yaml"], ["seed=3"], PATHS)
    assert (settings.seed, settings.strength, settings.objective.style.weight) == (3, 0.2, 5.0)


def test_base_is_loaded_first_and_relative_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "root.yaml").write_text("seed: 1\nstrength: 0.5\n")
    (tmp_path / "below" / "day.yaml").write_text("base: ../root.yaml\nseed: 7\n")
    settings = load_settings([tmp_path / "below" / "day.yaml"], [], PATHS)
    assert (settings.seed, settings.strength) == (7, 0.5)


def test_base_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    (tmp_path / "b.yaml").write_text("base: a.yaml\n")
    with pytest.raises(SettingsError, match=r"a\.yaml: its 'base' leads back to itself"):
        load_settings([tmp_path / "a.yaml"], [], PATHS)


def test_enums_lists_and_dotted_yaml_keys(tmp_path: Path) -> None:
    settings = load_yaml(tmp_path, "optimizer.kind: adam\nschedule: {scales: [32, 64, 128]}\n")
    assert settings.optimizer.kind is OptimizerKind.adam
    assert settings.schedule.scales == [32, 64, 128]
    assert type(settings.schedule.scales) is list


@pytest.mark.parametrize("text", ["007", "1e3", "clip #2.mp4", "a: b.png", "${x}.png", "[1", "yes", " 'q' "])
def test_text_is_taken_literally(text: str) -> None:
    settings = load_settings([], [f"segmentation.style={text}"], {**PATHS, "content": text})
    assert (settings.content, settings.segmentation.style) == (text, text)


def test_mappings_add_up_entry_by_entry(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("segmentation: {map: {sky: water, car: road}, weights: {sky: 2}}\n")
    (tmp_path / "b.yaml").write_text("segmentation: {map: {sky: mountain}}\n")
    overrides = ["segmentation.weights.region 1=3", "segmentation.styles.sky=dusk #2.jpg"]
    chosen = load_settings([tmp_path / "a.yaml", tmp_path / "b.yaml"], overrides, PATHS).segmentation
    assert chosen.map == {"sky": "mountain", "car": "road"}
    assert chosen.weights == {"sky": 2.0, "region 1": 3.0}
    assert chosen.styles == {"sky": "dusk #2.jpg"}
    with pytest.raises(SettingsError, match=r"segmentation\.map\.sky has no region to count for with .*method=none"):
        load_settings([tmp_path / "a.yaml"], ["segmentation.method=none"], PATHS)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["styler=predicted", "schedule.passes.count=2"], r"every frame once, but schedule\.passes\.count=2"),
        (["styler=predicted", "parametrization.kind=pixels"], r"styler=predicted gives a bilateral grid"),
        (["schedule.start=predicted", "parametrization.kind=pixels"], r"schedule\.start=predicted gives a bilateral"),
        (["predicted.weights.style=1", "predicted.keyframes=[{time: 0, style: 1}]"], "leave one out"),
        (["predicted.styles.dusk=a.png", "predicted.weights={style: 0.5, dusk: 0.6}"], r"sum to 1\.1 \(style 0\.5"),
        (["predicted.styles.dusk=a.png", "predicted.keyframes=[{time: 0, style: 2, dusk: -1}]"], r"dusk takes a num"),
    ],
)  # fmt: skip
def test_blends_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(*overrides)


def test_blends(tmp_path: Path) -> None:
    text = "predicted: {styles: {dusk: a.png}, keyframes: [{time: 0, style: 1}, {time: 2.5, dusk: 1}]}\n"
    chosen = load_yaml(tmp_path, text).predicted
    assert chosen.keyframes == [{"time": 0.0, "style": 1.0}, {"time": 2.5, "dusk": 1.0}]
    assert load("predicted.keyframes=[{time: 1, style: 1}]").predicted.keyframes == [{"time": 1.0, "style": 1.0}]
    overrides = ["styler=predicted", "predicted.styles.dusk=a.png", "predicted.weights={style: .3336, dusk: .6669}"]
    assert load(*overrides).predicted.weights == {"style": 0.3336, "dusk": 0.6669}


def test_optional_text_can_be_unset(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("segmentation: {style: x.png}\n")
    settings = load_settings([tmp_path / "a.yaml"], ["segmentation.style=null"], PATHS)
    assert settings.segmentation.style is None


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [
            "optimizer.kind=adam",
            "strength=0.25",
            "schedule.scales=[20, 40, 80]",
            "segmentation.content=${a} é #",
        ],
    ],
)
def test_resolved_yaml_reads_back_equal(tmp_path: Path, overrides: list[str]) -> None:
    settings = load(*overrides)
    (tmp_path / "config.yaml").write_text(resolved_yaml(settings), encoding="utf-8")
    again = load_settings([tmp_path / "config.yaml"])
    assert again == settings
    assert resolved_yaml(again) == resolved_yaml(settings)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("objective.temporal.wieght=1", r"'objective.temporal\.wieght'; did you mean '.*temporal\.weight'\?"),
        ("objectve.style.weight=1", r"did you mean 'objective\.style\.weight'\?"),
        ("scales=[1]", r"did you mean 'schedule\.scales'\?"),
        ("weight=1", r"choose one of: .*objective\.style\.weight, objective\.temporal\.weight"),
        ("zzz=1", r"unknown setting 'zzz'; choose one of: .*output, pair, pairs, parametrization"),
        ("schedule.scales.0=3", r"schedule\.scales is set as a whole"),
        ("objective=1", r"objective is a section, not the text '1'; it holds objective\.scale, objective\.content"),
        ("seed", r"'seed' is not key=value"),
        ("=1", r"'=1' is not key=value"),
        ("seed=abc", r"command line: seed takes a whole number, but the text 'abc' was given"),
        ("seed=1.5", r"seed takes a whole number, but 1\.5 was given"),
        ("seed=true", r"seed takes a whole number, but true was given"),
        ("seed=", r"seed takes a whole number, but null was given"),
        ("seed=[1", r"seed takes a whole number, not '\[1'"),
        ("seed=${nope}", r"seed cannot be resolved: Interpolation key 'nope' not found"),
        ("strength=.nan", r"strength takes a number from 0 to 1, but nan was given"),
        ("strength=1.5", r"strength takes a number from 0 to 1, but 1\.5 was given"),
        ("objective.style.weight=.inf", r"weight takes a number of at least 0, but inf was given"),
        ("seed=-1", r"seed takes a number of at least 0, but -1 was given"),
        ("schedule.scales=[80, 3, 160]", r"schedule\.scales\[1\] takes a number .*, but 3 was given"),
        ("schedule.scales=[80, x]", r"takes a list of whole numbers, but \[80, 'x'\] was given"),
        ("optimizer.kind=sgd", r"optimizer\.kind takes one of lbfgs, adam, but the text 'sgd' was given"),
        ("shots.detect=maybe", r"shots\.detect takes true or false, but the text 'maybe'"),
        ("schedule.scales=[]", r"schedule\.scales is empty"),
        ("schedule.scales=[40, 50]", r"iterations has 3 entries .* but schedule\.scales has 2 \[40, 50\]"),
        ("schedule.next_iterations=[1]", r"schedule\.next_iterations has 1 entries \[1\]"),
        ("schedule.scales=[160, 80, 320]", r"must not descend, but \[160, 80, 320\]"),
        ("segmentation.method=files", r"segmentation\.method=files needs segmentation\.content=PATH"),
        ("segmentation.weights.sky=-1", r"weights\.sky takes a number of at least 0, but -1\.0 was given"),
        ("segmentation.weights.sky=x", r"segmentation\.weights\.sky takes a number, but the text 'x' was given"),
        ("segmentation.map=3", r"segmentation\.map takes a mapping of names to text, but 3 was given"),
        ("segmentation.mapp.sky=3", r"unknown setting 'segmentation\.mapp\.sky'; did you mean 'segmentation\.map'\?"),
        ("flow.method=files", r"flow\.method=files needs flow\.folder=PATH"),
        ("flow.folder=flow", r"flow\.folder=flow is for flow\.method=files, but the method is dis; leave one out"),
        ("predicted.styles.style=a.png", r"predicted\.styles\.style: this name is the main photograph's"),
        ("predicted.styles.time=a.png", r"predicted\.styles\.time: this name is that of a keyframe's time"),
        ("predicted.weights={style: .4, dusk: .6}", r"weights\.dusk: there is no style 'dusk'; choose one of: style"),
        ("predicted.weights.style=.9", r"predicted\.weights sum to 0\.9 \(style 0\.9\), but a blend needs a sum of 1"),
        ("predicted.weights.style=-1", r"weights\.style takes a number from 0 to 1, but -1\.0 was given"),
        ("predicted.keyframes=[{style: 1}]", r"predicted\.keyframes\[0\] has no time; give it in seconds"),
        ("predicted.keyframes=[{time: 0}]", r"predicted\.keyframes\[0\] sum to 0 \(none\)"),
        ("predicted.keyframes=[{time: 1, style: 1}, {time: 1, style: 1}]", r"\[1\] is at 1 s, but the one before"),
        ("predicted.keyframes=[{time: 1, stile: 1}]", r"keyframes\[0\]\.stile: .* did you mean 'style'\?"),
        ("predicted.weights={style:1}", r"a space behind a colon: \{style: 1\}$"),
        ("predicted.keyframes=[{time:0, style:1}]", r"a space behind a colon: \{time: 0\}$"),
        ("predicted.keyframes=3", r"takes a list of mappings of names to number"),
        ("schedule.start=predictd", r"schedule\.start takes one of content, noise, predicted"),
        ("content=other.mp4", r"'content=other\.mp4' sets what is given as an argument already"),
    ],
)  # fmt: skip
def test_overrides_refused(override: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load(override)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: 1\nobjective: ]\n", r"day\.yaml, line 2: did not find expected node content"),
        ("seed: 1\nseed: 2\n", r"day\.yaml, line 2: found duplicate key seed"),
        ("- 1\n", r"day\.yaml: a config is a mapping"),
        ("objective:\n", r"day\.yaml: objective is a section, not null"),
        ("objective:\n  style:\n    wight: 1\n", r"unknown .*style\.wight'; did you mean '.*style\.weight'"),
        ("seed: {a: 1}\n", r"day\.yaml: seed takes a whole number, but \{'a': 1\} was given"),
        ("content: {a: 1}\n", r"content takes text, but \{'a': 1\} was given"),
        ("strength: 2\n", r"day\.yaml: strength takes a number from 0 to 1, but 2\.0 was given"),
        ("seed: ${b\n", r"day\.yaml: seed: no viable alternative"),
        ("base: [1]\n", r"base takes the name of one YAML file, but \[1\] was given"),
        ("base: none.yaml\n", r"none\.yaml cannot be read: No such file"),
        ("seed: !!python/object:os.system x\n", r"day\.yaml, line 1: could not determine a constructor"),
    ],
)  # fmt: skip
def test_yaml_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        load_yaml(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(SettingsError, match=r"binary\.yaml: not UTF-8 text"):
        load_settings([tmp_path / "binary.yaml"], [], PATHS)
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load_settings([tmp_path], [], PATHS)


@pytest.mark.parametrize("name", ["content", "style", "output"])
def test_missing_paths_are_named(name: str) -> None:
    rest = {key: value for key, value in PATHS.items() if key != name}
    with pytest.raises(SettingsError, match=rf"^{name} is missing; set {name}=\.\.\. \(The "):
        load_settings([], [], rest)
    with pytest.raises(SettingsError, match=rf"^{name} is empty"):
        load_settings([], [], {**PATHS, name: ""})


def test_output_must_not_be_an_input() -> None:
    with pytest.raises(SettingsError, match=r"output and content are both \./clip\.mp4"):
        load_settings([], [], {**PATHS, "output": "./clip.mp4"})


def test_every_setting_is_described_once_with_a_meaning() -> None:
    def count(cls: object) -> int:
        return sum(
            count(f.default_factory) if is_dataclass(f.default_factory) else 1
            for f in fields(cls)  # type: ignore[arg-type]
        )

    rows = describe_settings()
    assert len(rows) == len({row.name for row in rows}) == count(Settings)
    assert all(row.meaning.endswith(".") for row in rows)
    by_name = {row.name: row for row in rows}
    assert by_name["content"].default == "(must be set)"
    assert by_name["strength"][1:4] == ("number", "1.0", "from 0 to 1")
    assert by_name["shots.detect"].default == "true"
    assert by_name["optimizer.kind"][1:3] == ("one of lbfgs, adam", "lbfgs")


def test_described_defaults_load_as_overrides() -> None:
    rows = [row for row in describe_settings() if row.default != "(must be set)"]
    assert load(*(f"{row.name}={row.default}" for row in rows)) == load()


def test_type_text() -> None:
    class Kind(Enum):
        a = "a"
        b = "b"

    words = [type_text(hint) for hint in (list[float], int | None, Kind, str, bool)]
    assert words == ["a list of numbers", "a whole number or null", "one of a, b", "text", "true or false"]
