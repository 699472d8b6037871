"""``photovst train``: what reaches the training, and what never does."""

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from photovst.cli import main
from photovst.progress import Progress
from photovst.train_cli import IF_OUT_OF_MEMORY
from photovst.training_config import TrainingSettings

CONFIG = "style: style.png\noutput: net.safetensors\ndata: {sources: {scenes: {kind: procedural}}}\n"


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the training was called with, of which this takes the place."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.delenv("RANK", raising=False)
    Path("a.yaml").write_text(CONFIG)
    called: dict[str, Any] = {}

    def train_network(settings: TrainingSettings, **rest: object) -> Path:
        if settings.name == "large":
            raise MemoryError
        called.update(rest, settings=settings)
        return Path(settings.output)

    module = types.ModuleType("photovst.train")
    module.train_network = train_network  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "photovst.train", module)
    return called


def test_train_hands_on_everything_and_prints_the_path(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.yaml").write_text("steps: 7\nseed: 1\n")
    assert main(["train", "a.yaml", "seed=5", "loss.content=2", "-c", "b.yaml"]) == 0
    assert capsys.readouterr().out == "net.safetensors\n"
    settings = seen["settings"]
    assert (settings.steps, settings.seed, settings.loss.content) == (7, 5, 2.0)
    assert (seen["run_folder"], seen["overwrite"]) == (Path("net.run"), False)
    assert isinstance(seen["progress"], Progress)
    assert main(["train", "a.yaml", "-o", "b.safetensors", "--overwrite"]) == 0
    assert (seen["settings"].output, seen["run_folder"], seen["overwrite"]) == ("b.safetensors", Path("b.run"), True)
    assert main(["train", "a.yaml", "--run", "elsewhere"]) == 0
    assert seen["run_folder"] == Path("elsewhere")


def test_of_several_processes_the_first_one_tells(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert main(["train", "a.yaml"]) == 0
    assert seen["settings"].output == "net.safetensors"
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.yaml", "loss.stile=1"], "error: command line: unknown setting 'loss.stile'; did you mean 'loss.style'?"),
        (["none.yaml"], "error: config file none.yaml cannot be read: No such file or directory"),
        (["a.yaml", "-o", "net.pt"], "error: output is net.pt, but a network is a .safetensors file; name it so"),
        (
            ["a.yaml", "name=large"],
            f"error: out of memory; {IF_OUT_OF_MEMORY}",
        ),
        ([], "error: Missing argument 'CONFIG.yaml'; 'photovst train --help' says what there is"),
    ],
)
def test_bad_input_is_one_line(
    seen: dict[str, Any], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", *arguments]) == 2
    assert capsys.readouterr().err == f"photovst: {message}\n"
    assert seen == {}


def test_settings_of_a_training_are_listed(seen: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "--of", "training"]) == 0
    assert "loss.output_temporal " in capsys.readouterr().out
    assert main(["settings"]) == 0
    assert "objective.temporal.weight " in capsys.readouterr().out
