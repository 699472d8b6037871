"""Sweep files: what they may say, what they expand to, and one line for everything else."""

from __future__ import annotations

from pathlib import Path

import pytest
from light_imports import run_light
from small_runs import run

from photovst.errors import SettingsError
from photovst.judging import Judging
from photovst.sweeps.file import terms
from photovst.sweeps.settings import Sweep, load_sweep, safe

PLAIN = "clips: [lake.mp4]\nstyles: [dusk.png]\noutput: out\n"


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("lake.mp4", "sea.mp4", "dusk.png", "fog.png", "a.png", "b.png"):
        Path(name).write_bytes(b"")
    Path("motion").mkdir()


def planned(text: str, *overrides: str) -> Sweep:
    Path("sweep.yaml").write_text(text)
    return load_sweep(Path("sweep.yaml"), None, overrides)


def names(text: str) -> list[str]:
    return [member.name for member in planned(text).members]


def test_members_are_the_product_in_stable_readable_places() -> None:
    plan = planned(
        """
        variants: {all: {}, calm: {objective: {temporal: {weight: 5000}}}}
        grid: {objective.style.weight: [1, 2.5], strength: [0.5]}
        clips: {lake: lake.mp4, sea: sea.mp4}
        styles: [dusk.png, fog.png]
        seeds: [1, 2]
        output: out
        """
    )
    assert len(plan.members) == 2 * 2 * 2 * 2 * 2
    assert len({member.settings.output for member in plan.members}) == 32
    member = plan.members[-1]
    assert member.name == "sea/fog/calm,style.weight=2.5,strength=0.5/seed2"
    assert member.settings.output == "out/sea/fog/calm,style.weight=2.5,strength=0.5/seed2.mp4"
    assert member.run_folder == Path("out/sea/fog/calm,style.weight=2.5,strength=0.5/seed2.run")
    chosen = member.settings
    assert (chosen.objective.temporal.weight, chosen.objective.style.weight, chosen.strength) == (5000, 2.5, 0.5)
    assert (chosen.content, chosen.style, chosen.seed) == ("sea.mp4", "fog.png", 2)
    assert [point.name for point in plan.points] == [
        f"{variant},style.weight={weight},strength=0.5" for variant in ("all", "calm") for weight in (1, 2.5)
    ]
    assert plan.clips == (("lake", "dusk"), ("lake", "fog"), ("sea", "dusk"), ("sea", "fog"))


def test_terms_are_switched_off_and_left_on() -> None:
    text = "terms: {content: off}\nvariants: {both: {}, no_temporal: {terms: {temporal: off, structure: on}}}\n"
    first, second = (member.settings.objective for member in planned(PLAIN + text).members)
    assert (first.temporal.weight, first.content.weight) == (1000, 0)
    assert (second.temporal.weight, second.structure.weight, second.content.weight) == (0, 0.11, 0)
    grid = planned(PLAIN + "grid: {terms.temporal: [on, off], terms.structure: [off]}\n")
    assert [member.point.name for member in grid.members] == [
        "temporal=on,structure=off",
        "temporal=off,structure=off",
    ]
    assert [member.settings.objective.temporal.weight for member in grid.members] == [1000, 0]
    assert {"photorealism", "temporal", "gamut", "coherence"} <= set(terms())


def test_layers_lie_over_each_other() -> None:
    Path("base.yaml").write_text(
        "content: sea.mp4\nstyle: fog.png\nseed: 7\nstrength: 0.1\nobjective.style.weight: 3\n"
    )
    text = """
    base: base.yaml
    settings: {strength: 0.2, schedule.effort: 0.5}
    clips: {lake: {content: lake.mp4, style: dusk.png, settings: {strength: 0.3}}, sea: sea.mp4}
    output: out
    """
    lake, sea = planned(text, "video.codec=png").members
    assert (lake.settings.strength, sea.settings.strength) == (0.3, 0.2)
    assert (lake.settings.style, sea.settings.style) == ("dusk.png", "fog.png")
    assert (lake.settings.seed, lake.settings.schedule.effort, lake.settings.objective.style.weight) == (7, 0.5, 3)
    assert lake.settings.output == "out/lake/base/seed7"
    assert names("base: [base.yaml]\noutput: out\n") == ["sea/base/seed7"]


def test_clips_carry_their_judging() -> None:
    text = """
    clips: {lake: {content: lake.mp4, flow: motion, masks: [a.png, b.png]}, sea: sea.mp4, still: a.png}
    styles: {d: dusk.png}
    judging: {flow: dis, size: 320}
    output: out
    """
    lake, sea, still = planned(text).members
    assert lake.judging == Judging("files", Path("motion"), 320, (Path("a.png"), Path("b.png")))
    assert sea.judging == Judging("dis", None, 320, None)
    assert still.settings.output == "out/still/d/base/seed0.png"


def test_numbers_in_a_list_are_part_of_a_name() -> None:
    (member,) = planned(PLAIN + "grid: {schedule.scales: [[80, 160, 320]]}\n").members
    assert member.settings.output == "out/lake/dusk/schedule.scales=_80,160,320/seed0.mp4"
    assert safe('../take "1"\n<b>') == "take_1_b"
    assert safe("長" * 150) == "長" * 40


WRONG = {
    "variant: {}": "unknown key 'variant'; did you mean 'variants'?",
    "seeds: []": "seeds is empty; fill it, or leave it out",
    "grid: {}": "grid is empty",
    "grid: {strength: []}": "strength takes a list of values, but [] was given",
    "grid: {strength: 1}": "strength takes a list of values, but 1 was given",
    "grid: {objective.style: [1]}": "objective.style is a section",
    "grid: {strenght: [1]}": "unknown setting 'strenght'; did you mean 'strength'?",
    "grid: {seed: [1]}": "seed cannot be set here; list seeds under 'seeds'",
    "seeds: [1, 1]": "1 is there twice",
    "seeds: [true]": "whole numbers from 0, but True was given",
    "settings: {output: x.mp4}": "output cannot be set here",
    "settings: {content: x.mp4}": "content cannot be set here; list clips under 'clips'",
    "variants: {a: {style: x.png}}": "style cannot be set here",
    "variants: {a: {strenght: 1}}": "variants.a: unknown setting 'strenght'",
    "variants: {a: 3}": "variants.a takes a mapping of names, but 3 was given",
    "variants: {a: {terms: {tempral: off}}}": "there is no term 'tempral'; did you mean 'temporal'?",
    "variants: {a: {terms: {temporal: 0}}}": "temporal is on or off, but 0 was given",
    "variants: {a: {terms: {temporal: off}, objective.temporal.weight: 3}}": "the term temporal is off, and",
    "variants: {a: {terms: {photorealism: on}}}": "the term photorealism is on, but its weight is 0",
    "variants: {a: {strength: 0.5}}\ngrid: {strength: [1]}": "strength is set by variants.a and by the grid",
    "variants: {a: {terms: {temporal: off}}}\ngrid: {objective.temporal.weight: [1]}": "is set by variants.a and by",
    "variants: {a: {}, b: {strength: 1.0}}": "lake/dusk/a/seed0 and lake/dusk/b/seed0 are the same run",
    "grid: {strength: [1, 1.0]}": "are the same run",
    "variants: {a b: {}, a_b: {strength: 0.5}}": "'a b' and 'a_b' would both be written to a_b; rename one",
    "variants: {a: {strength: 0.5}, A: {}}": "'a' and 'A' would both be written to A",
    "variants: {'///': {}}": "has no letter or digit",
    "variants: {a: {strength: 2}}": "strength takes a number from 0 to 1, but 2",
    "variants: {a: {strength: much}}": "strength takes a number, but the text 'much' was given",
    "judging: {flow: fast}": "flow is one of auto, dis, dis_fine, raft, files, but 'fast' was given",
    "judging: {own_encoder: 1}": "own_encoder is true or false, but 1 was given",
    "judging: {sizes: 3}": "unknown key 'sizes'; did you mean 'size'?",
    "base: none.yaml": "config file none.yaml cannot be read",
    "base: 3": "base takes a path, but 3 was given",
}


@pytest.mark.parametrize("text", WRONG)
def test_one_line_on_what_is_wrong(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sweep.yaml").write_text(f"{PLAIN}{text}\n")
    assert run("sweep", "sweep.yaml") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert WRONG[text] in line
    assert not Path("out").exists()


CLIPS = {
    "clips: [lake.mp4, x/lake.mp4]": "two entries would be called lake; give names",
    "clips: {lake: {contnet: lake.mp4}}": "unknown key 'contnet'; did you mean 'content'?",
    "clips: {lake: {style: dusk.png}}": "clips.lake has no content",
    "clips: {lake: {content: lake.mp4, masks: a.png}}": "masks takes two paths",
    "clips: {lake: {content: lake.mp4, style: fog.png}}\nstyles: [dusk.png]": "has a style of its own, and styles are",
    "clips: {lake: lake.mp4}": "style is missing",
    "clips: {lake: gone.mp4}\nstyles: [dusk.png]": "lake: content gone.mp4 does not exist",
    "clips: {lake: lake.mp4}\nstyles: [gone.png]": "lake: style gone.png does not exist",
    "clips: {lake: {content: lake.mp4, flow: gone}}\nstyles: [dusk.png]": "lake: gone does not exist",
    "clips: {sweep.csv: lake.mp4}\nstyles: [dusk.png]": "could take the place of a file of the sweep",
    "styles: [dusk.png]": "lists no clips, and its base alone cannot be loaded: content is missing",
    "clips: {lake: {content: lake.mp4, settings: {strength: 1}}}\nstyles: [dusk.png]\ngrid: {strength: [1, 0]}": (
        "strength is set by clips.lake and varied by strength=1"
    ),
    "clips: {a: lake.mp4, b: ./lake.mp4}\nstyles: [dusk.png]": "are the same run",
    "- 1": "a config is a mapping of names to values",
    "clips: [": "sweep.yaml, line",
}


@pytest.mark.parametrize("text", CLIPS)
def test_one_line_on_what_is_wrong_with_clips(text: str) -> None:
    Path("sweep.yaml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_sweep(Path("sweep.yaml"), Path("out"))
    assert CLIPS[text] in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_holds_for_all_must_not_be_varied() -> None:
    with pytest.raises(SettingsError, match=r"strength=1 is for all members, but sweep.yaml varies strength"):
        planned(PLAIN + "grid: {strength: [0, 0.5]}", "strength=1")
    with pytest.raises(SettingsError, match="output=x cannot be set for a sweep; set the sweep's own"):
        planned(PLAIN, "output=x")
    with pytest.raises(SettingsError, match="output is missing; set output: FOLDER, or give -o FOLDER"):
        planned("clips: [lake.mp4]\nstyles: [dusk.png]\n")


def test_a_dry_run_lists_members_and_needs_no_torch(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sweep.yaml").write_text(PLAIN + "seeds: [1, 2]\n")
    assert run("sweep", "sweep.yaml", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:]] == [
        [f"lake/dusk/base/seed{n}", f"out/lake/dusk/base/seed{n}.mp4"] for n in (1, 2)
    ]
    done = run_light(
        "from pathlib import Path\n"
        "from photovst import sweep_cli\n"
        "from photovst.sweeps import ray_tasks, settings, table\n"
        "settings.load_sweep(Path('sweep.yaml'))"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_options_of_ray_without_ray(capsys: pytest.CaptureFixture[str]) -> None:
    Path("sweep.yaml").write_text(PLAIN)
    assert run("sweep", "sweep.yaml", "--by", "shot") == 2
    assert "are for tasks on Ray; add --ray" in capsys.readouterr().err
    assert run("sweep", "sweep.yaml", "--ray", "auto", "--slots", "2") == 2
    assert "--slots is for --ray local" in capsys.readouterr().err
