"""What the pages show works: commands parse and their settings exist, targets of make and linked files are there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from photovst.sweeps.file import read_sweep

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "experiments", "models")
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(page for folder in FOLDERS for page in sorted((ROOT / folder).rglob("*.md"))),
]
SWEEPS = [path for path in (ROOT / "experiments").rglob("*.yaml") if "clips:" in path.read_text(encoding="utf-8")]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(page, *block) for page in PAGES for block in BLOCK.findall(page.read_text(encoding="utf-8"))]
LINES = [
    (page.name, line)
    for page, language, text in BLOCKS
    if language == "sh"
    for line in text.replace("\\\n", " ").splitlines()
]
CONSOLE = [text for _, language, text in BLOCKS if language == "text"]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

# Runs commands with the main flow and the demo replaced: what is left is parsing them and loading their settings.
DRIVER = """
import json, sys, types
from pathlib import Path
from photovst.evaluation import Evaluation
from photovst.settings_io import load_settings

def stylize_clip(settings, *, run_folder, overwrite, progress):
    return Path(settings.output)

def run_demo(folder, *, overwrite, progress, overrides):
    load_settings((), overrides, {"content": "day.mp4", "style": "sunset.png", "output": "out.mp4"})
    return folder

def stylize_pairs(pairs, *, overwrite, progress_for, run_folder):
    return pairs[0][1].output

def write_flow_clips(settings, *, files, full, overwrite, progress):
    return settings.output

def write_regions(settings, *, matched, overwrite, progress):
    return settings.output

def compare(members, folder, **rest):
    return members[0].settings.output

def write_runs_report(runs, output, *, overwrite, progress):
    return output
def run_sweep(plan, run, on_failure):
    return []

def in_turn(members, **rest):
    return []

def on_ray(members, **rest):
    return []

def write_scene(folder, scene, *rest, **named):
    return None

def evaluate_run(run, *, judging, overwrite, progress):
    return Evaluation("a", "b", "c", None, "", "", 1, (1, 1), "dis", None, ())

def evaluate_clip(result, reference, style, **rest):
    return evaluate_run(result, judging=None, overwrite=None, progress=None)

def evaluation_folder(result):
    return result

def finished_run(place):
    return types.SimpleNamespace(folder=place, name=place.name, result=place)

def is_run(place):
    return place.suffix == ".run"

def write_comparison(shown, output, layout, **rest):
    return output

def train_network(settings, *, run_folder, overwrite, progress):
    return Path(settings.output)

def export_trained(model, output, size=None, style=None, *, overwrite=False):
    return str(output)

def export_cubes(place, output=None, points=33, *, overwrite=False, progress):
    return str(output)

def export_grids(place, output=None, *, overwrite=False, progress):
    return str(output)

def save_blend(photos, shares, output, network=None, *, overwrite=False):
    return str(output)

def preview_clip(settings, sheet, strengths, most, *, overwrite, progress):
    return sheet

class Shown(types.SimpleNamespace):
    def __init__(self, *given):
        pass

for name, functions in (
    ("stylize", (stylize_clip,)),
    ("demo", (run_demo,)),
    ("pairs", (stylize_pairs,)),
    ("compare", (compare,)),
    ("compare_clips", (write_comparison, Shown)),
    ("evaluate", (evaluate_run, evaluate_clip)),
    ("finished_runs", (finished_run, is_run, evaluation_folder)),
    ("flow_clips", (write_flow_clips,)),
    ("segment_clips", (write_regions,)),
    ("report_runs", (write_runs_report,)),
    ("train", (train_network,)),
    ("previewing", (preview_clip,)),
    ("exporting", (export_trained,)),
    ("exporting_cubes", (export_cubes,)),
    ("exporting_grids", (export_grids,)),
    ("saved_styles", (save_blend,)),
    ("media.scene_files", (write_scene,)),
    ("sweeps.members", (run_sweep, in_turn)),
    ("sweeps.on_ray", (on_ray,)),
):
    module = types.ModuleType(f"photovst.{name}")
    for function in functions:
        setattr(module, function.__name__, function)
    sys.modules[f"photovst.{name}"] = module
sys.modules["photovst.sweeps.members"].PLOTS = ()
from photovst import scene_cli
from photovst.cli import main
scene_cli.make_painting = lambda file, *rest, **named: file
codes = [main(command) for command in json.loads(sys.argv[1])]
print(json.dumps(codes))
"""


def run(commands: list[list[str]], folder: Path) -> tuple[list[int], str]:
    """Exit codes of commands of photovst, and what they say on stderr, in a folder with what the pages name."""
    for name in ("configs", "experiments", "models"):
        (folder / name).symlink_to(ROOT / name)
    for number in (5, 7):
        pair = folder / "data" / "luan_pairs" / str(number)
        pair.mkdir(parents=True)
        for name in ("content", "style", "content_mask", "style_mask"):
            (pair / f"{name}.png").touch()
    for name in ("clip.mp4", "photo.jpg", "shore.mp4", "dusk.jpg", "scene/photo.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    for name in ("scene/frames", "scene/flow", "scene/labels", "scene/photo_labels"):
        (folder / name).mkdir()
    (folder / "scene/photo_labels/photo.png").touch()
    for style in (style for path in SWEEPS for style in read_sweep(path).styles.values()):
        (folder / style).parent.mkdir(parents=True, exist_ok=True)
        (folder / style).touch()
    for clip in (clip for path in SWEEPS for clip in read_sweep(path).clips):
        for place in (clip.content, clip.style, clip.flow, *(clip.masks or ())):
            if place is not None and not (folder / place).exists():
                (folder / place).mkdir(parents=True)
    for _, language, text in BLOCKS:
        if language == "yaml" and text.startswith("# "):
            (folder / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(commands)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def as_a_shell(line: str) -> list[str]:
    """A command's words, patterns of files that are there replaced by those."""
    words = [(word, sorted(ROOT.glob(word)) if "*" in word and "=" not in word else []) for word in shlex.split(line)]
    return [name for word, found in words for name in ([str(p.relative_to(ROOT)) for p in found] or [word])]


def test_commands_parse_and_their_settings_exist(tmp_path: Path) -> None:
    commands = [as_a_shell(line)[1:] for _, line in LINES if line.startswith("photovst ")]
    assert len(commands) > 5
    codes, said = run(commands, tmp_path)
    failed = [command for command, code in zip(commands, codes, strict=True) if code]
    assert not failed, said


def test_a_command_that_is_wrong_is_found(tmp_path: Path) -> None:
    base = ["stylize", "clip.mp4", "photo.jpg", "-o", "out.mp4"]
    wrong = [[*base, "strenght=1"], [*base, "--fast"], [*base, "-c", "absent.yaml"], ["stylise", *base[1:]]]
    assert run([*wrong, base], tmp_path)[0] == [2, 2, 2, 2, 0]


def test_bad_input_gets_the_lines_that_are_shown(tmp_path: Path) -> None:
    for line in "".join(CONSOLE).splitlines():
        assert line.startswith(("$ photovst ", "photovst: error: "))
    pairs = re.findall(r"^\$ photovst (.+)\n(photovst: error: .+)$", "".join(CONSOLE), re.MULTILINE)
    assert len(pairs) > 1
    for command, answer in pairs:
        said = subprocess.run(
            [sys.executable, "-m", "photovst", *shlex.split(command)],
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            check=False,
        )
        assert (said.returncode, said.stdout, said.stderr) == (2, "", f"{answer}\n")


@pytest.mark.parametrize(("page", "line"), [case for case in LINES if not case[1].startswith("photovst ")])
def test_other_commands_are_those_of_a_checkout(page: str, line: str) -> None:
    words = shlex.split(line)
    if words[0] == "make":
        assert set(words[1:]) <= TARGETS
    else:
        assert line == "source .venv/bin/activate"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_and_files_that_are_named_exist(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    linked = re.findall(r"\]\((?!https?:)([^)#\s]+)", text)
    assert [name for name in linked if not (page.parent / name).exists()] == []
    named = re.findall(r"`((?:photovst|configs|docs|tests|benchmarks|experiments)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_settings_that_pages_name_exist() -> None:
    from photovst.settings_io import describe_settings

    known = {row.name for row in describe_settings()}
    sections = {name.split(".")[0] for name in known if "." in name}
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = {name for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:=\w+)?`", text) if name.split(".")[0] in sections}
    named = {name for name in named if not name.endswith((".py", ".md", ".yaml"))}
    assert len(named) > 10
    assert named <= known
