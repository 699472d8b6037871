"""A training's folder: the same training goes on, another one is refused, and nothing that is done is lost."""

import json
from pathlib import Path

import pytest

from photovst.config import Settings
from photovst.errors import MediaError, SettingsError
from photovst.held_folder import HeldFolder
from photovst.provenance import fingerprint, identity
from photovst.run import RunFolder
from photovst.settings_io import load_settings
from photovst.training_folder import TrainingFolder, open_training, training_identity
from photovst.training_settings import load_training


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("style.png").write_bytes(b"style")


def opened(*overrides: str, processes: int = 1, overwrite: bool = False) -> TrainingFolder:
    fixed = {"style": "style.png", "output": "net.safetensors"}
    settings = load_training((), ["data.sources.scenes.kind=procedural", *overrides], fixed)
    return open_training(settings, "cpu", processes=processes, overwrite=overwrite)


def with_checkpoint(*overrides: str) -> None:
    with opened(*overrides) as folder:
        (folder.path / "checkpoints" / "step_00000100.pt").write_bytes(b"weights")
        (folder.path / "losses.jsonl").write_text("{}\n")


def checkpoints() -> list[str]:
    return [path.name for path in Path("net.run/checkpoints").iterdir()]


def test_a_new_folder_tells_where_it_comes_from() -> None:
    with opened() as folder:
        record = json.loads((folder.path / "provenance.json").read_text())
        assert folder.path == Path("net.run")
        assert record["fingerprint"] == folder.fingerprint
        assert record["inputs"]["style"]["path"] == "style.png"
        assert (record["seed"], record["device"], record["processes"]) == (0, "cpu", 1)
        assert load_training([folder.path / "config.yaml"]).style == "style.png"
        assert folder.samples.is_dir()


def test_the_same_training_goes_on_whatever_is_said_of_its_records() -> None:
    with_checkpoint()
    same = ["keep=1", "log_every=5", "checkpoint_minutes=1", "data.workers=0", "data.cache=elsewhere"]
    for overwrite in (False, True):
        with opened(*same, overwrite=overwrite):
            assert checkpoints() == ["step_00000100.pt"]
    events = [json.loads(line)["event"] for line in Path("net.run/log.jsonl").read_text().splitlines()]
    assert events == ["started", "resumed", "resumed"]


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("seed=1", "seed"),
        ("loss.content=2", r"loss\.content"),
        ("data.batch=8", r"data\.batch"),
        ("data.sources.photos.kind=still_motion", r"data\.sources\.photos\.fastest, "),
        ("precision=bfloat16", "precision"),
    ],
)
def test_another_training_is_refused_and_named(override: str, named: str) -> None:
    with_checkpoint()
    with pytest.raises(SettingsError, match=rf"net\.run belongs to another training \(differs in {named}.*\); pass"):
        opened(override)
    assert checkpoints() == ["step_00000100.pt"]
    with opened(override, overwrite=True):
        assert checkpoints() == []
        assert not Path("net.run/losses.jsonl").exists()


def test_another_style_or_number_of_processes_is_another_training() -> None:
    with_checkpoint()
    with pytest.raises(SettingsError, match=r"differs in processes\)"):
        opened(processes=2)
    Path("style.png").write_bytes(b"another style")
    with pytest.raises(SettingsError, match=r"differs in inputs\.style\)"):
        opened()


def test_without_a_checkpoint_there_is_nothing_to_lose() -> None:
    opened().close()
    with opened("seed=1") as folder:
        assert json.loads((folder.path / "provenance.json").read_text())["seed"] == 1


def run_in(folder: str) -> HeldFolder:
    fixed = {"content": "style.png", "style": "style.png", "output": "out.png"}
    settings: Settings = load_settings((), (), fixed)
    return RunFolder.open(Path(folder), settings, identity(settings, {"content": "style.png"}, "cpu"))


def test_runs_and_trainings_do_not_take_each_others_place() -> None:
    with_checkpoint()
    with pytest.raises(SettingsError, match=r"net\.run belongs to another run \(differs in "):
        run_in("net.run")
    with run_in("other.run") as run:
        (run.path / "state" / "000000.npz").write_bytes(b"frame")
    settings = load_training((), ["data.sources.s.kind=procedural"], {"style": "style.png", "output": "a.safetensors"})
    with pytest.raises(SettingsError, match=r"other\.run belongs to another training \(differs in "):
        open_training(settings, "cpu", run_folder=Path("other.run"))
    assert Path("other.run/state/000000.npz").exists()


def test_two_at_once_are_refused() -> None:
    with opened(), pytest.raises(SettingsError, match=r"net\.run is in use by another photovst"):
        opened()


def test_a_network_that_is_there_stays() -> None:
    Path("net.safetensors").write_bytes(b"trained")
    with pytest.raises(MediaError, match=r"^net\.safetensors exists; choose another name, or pass --overwrite$"):
        opened()
    assert not Path("net.run").exists()
    with opened(overwrite=True) as folder:
        folder.finish(Path("net.safetensors"))
        assert folder.finished
    assert Path("net.safetensors").read_bytes() == b"trained"


def test_bad_places_and_inputs() -> None:
    fixed = {"style": "style.jpg", "output": "net.safetensors"}
    without = load_training((), ["data.sources.scenes.kind=procedural"], fixed)
    with pytest.raises(MediaError, match=r"style\.jpg does not exist"):
        open_training(without, "cpu")
    Path("net.safetensors").mkdir()
    with pytest.raises(MediaError, match=r"net\.safetensors is a folder; choose another name for the network"):
        opened()


def test_identity_knows_labels_and_start() -> None:
    fixed = {"style": "style.png", "output": "net.safetensors"}
    overrides = ["data.sources.s.kind=procedural", "loss.regions.sky=[sky]", "style_labels=labels.png"]
    Path("labels.png").write_bytes(b"labels")
    settings = load_training((), overrides, fixed)
    before = fingerprint(training_identity(settings, "cpu"))
    Path("labels.png").write_bytes(b"other labels")
    assert fingerprint(training_identity(settings, "cpu")) != before
    Path("start.safetensors").write_bytes(b"weights")
    settings.start = "start.safetensors"
    assert set(training_identity(settings, "cpu")["inputs"]) == {"style", "style_labels", "start"}
