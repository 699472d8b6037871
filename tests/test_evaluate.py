"""``photovst evaluate``: runs and foreign clips, ground truth, floors, and whatever may be wrong with a run folder."""

import json
import math
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from small_runs import pictures, run, scene, stylize, write_clip, write_inputs

from photovst.errors import MediaError
from photovst.evaluate import evaluate_clip
from photovst.evaluate_cli import figures_table
from photovst.evaluation import Evaluation, Metric, read_evaluation, write_evaluation
from photovst.finished_runs import finished_run
from photovst.judges.figures import ClipFigures
from photovst.judges.protocols import metrics
from photovst.judging import Judging
from photovst.media.images import write_image
from photovst.media.scenes import Look
from photovst.progress import progress_for

STEADY = ("e_stab", "e_warp_short", "e_warp_long", "e_warp_detail")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of 12 frames, a photograph, and a finished run of them, out.mkv."""
    place = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        write_inputs(12)
        assert stylize("clip.mkv", "photo.png", "out.mkv", "video.codec=ffv1") == 0
    return place


@pytest.fixture
def place(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test is; no weights are on this machine."""
    monkeypatch.setattr("photovst.models.weight_files.folders", lambda: [tmp_path / "no weights"])
    shutil.copytree(finished, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def evaluate(*arguments: str) -> int:
    return run("evaluate", *arguments, "--quiet")


def judged(result: str, reference: str, style: str | None = None, **judging: object) -> Evaluation:
    with progress_for(quiet=True) as progress:
        photo = None if style is None else Path(style)
        return evaluate_clip(Path(result), Path(reference), photo, judging=Judging(**judging), progress=progress)


def test_a_run_is_judged_and_not_judged_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("out.run") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["figure", "input", "out", "better", "protocol"]
    assert out[-1] == "out.run/metrics.json"
    found = read_evaluation(Path("out.run"))
    assert (found.name, found.frames, found.size, found.flow) == ("out", 12, (64, 96), "dis medium 1")
    assert (found.content, found.result, found.style, found.regions) == ("clip.mkv", "out.mkv", "photo.png", "joint")
    by_name = {metric.name: metric for metric in found.metrics}
    own = by_name["style_gram.steerable"]
    assert own.value is None
    assert own.floor is not None
    assert "--own-encoder" in (own.absent or "")
    assert by_name["ssim_content"].floor == by_name["ssim_edge"].floor == by_name["e_warp_detail"].floor == 1
    assert 0 < by_name["ssim_content"].value < 1
    assert by_name["lpips"].value is None
    assert by_name["mask_flicker"].value is not None
    assert by_name["ssim_adjacent"].absent == "frames are smaller than a patch, or there is one only"
    series = found.series["e_warp_short"]
    assert series[0] is None
    assert by_name["e_warp_short"].value == pytest.approx(math.fsum(series[1:]) / 11)
    for worst in found.worst:
        heat = cv2.imread(str(Path("out.run") / worst.picture))
        assert heat.shape == (64, 96, 3)
    assert 1 <= len(found.worst) <= 3
    assert [each.error for each in found.worst] == sorted((each.error for each in found.worst), reverse=True)

    written = Path("out.run/metrics.json").stat().st_mtime_ns
    assert evaluate("out.mkv") == 0  # by its result: the same run
    assert Path("out.run/metrics.json").stat().st_mtime_ns == written
    assert evaluate("out.run", "--overwrite") == 0
    assert Path("out.run/metrics.json").stat().st_mtime_ns > written
    assert read_evaluation(Path("out.run")) == found  # the same figures
    assert evaluate("out.run", "--own-encoder") == 0
    own = read_evaluation(Path("out.run")).metric("style_gram.steerable")
    assert 0 < own.value < own.floor


def test_a_copy_of_the_input_has_exactly_the_floor(place: Path) -> None:
    shutil.copy("clip.mkv", "copy.mkv")
    write_clip("again.mkv", pictures("clip.mkv"))  # other bytes, the same frames
    for result in ("copy.mkv", "again.mkv"):
        found = judged(result, "clip.mkv", "photo.png")
        for metric in found.metrics:
            assert metric.value == metric.floor, metric.name
        for name in ("e_warp_short", "sharpness"):
            assert found.series[name] == found.series[f"{name}.floor"]
    assert Path("copy.eval/metrics.json").is_file()
    assert found.metric("histogram").value > 0


def test_a_foreign_clip_without_a_photograph_has_no_style(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    darker = [frame // 2 for frame in pictures("clip.mkv")]
    write_clip("other.mkv", darker)
    assert evaluate("other.mkv", "--reference", "clip.mkv") == 0
    assert "other.eval/metrics.json" in capsys.readouterr().out
    found = read_evaluation(Path("other.eval"))
    assert (found.style, found.regions) == (None, None)
    assert not any(metric.name.startswith("style_gram") for metric in found.metrics)
    assert found.metric("histogram").absent == "no photograph was given"
    # Values halved: differences a quarter, but as steady as its input beside its own detail.
    assert found.metric("e_warp_short").value == pytest.approx(found.metric("e_warp_short").floor / 4, rel=0.05)
    assert found.metric("e_warp_detail").value == pytest.approx(1, rel=0.05)


def test_exact_flow_of_a_scene_is_taken_and_known_noise_has_its_error(place: Path) -> None:
    given = ("--size", "96x64", "--frames", "12", "--neighbors", "1", "--camera-speed", "0", "--quiet")
    assert run("scene", "-o", "scene", *given) == 0
    frames = sorted(Path("scene/frames").iterdir())
    clean, sigma = cv2.imread(str(frames[0]))[..., ::-1].astype(float) * 0.5 + 64, 8.0
    # The first frame again and again under the scene's own, true motion, which is 0 where nothing moves by itself.
    generator = np.random.default_rng(5)
    Path("noisy").mkdir()
    for path in frames:
        noisy = np.clip(np.rint(clean + sigma * generator.normal(size=clean.shape)), 0, 255)
        write_image(Path("noisy") / path.name, noisy.astype(np.uint8))
    found = judged("noisy", "scene/frames")
    assert found.flow == "procedural scene"
    assert judged("noisy", "scene/frames", flow="dis").flow == "dis medium 1"
    assert judged("noisy", "scene/frames", flow_folder=Path("scene/flow")).metric("e_warp_short").value == (
        pytest.approx(found.metric("e_warp_short").value)
    )
    # Noise of variance s^2 has an error of 2 s^2 between frames that stand still; moving water mixes a little.
    noise = 2 * (sigma**2 + 1 / 12) / 255**2
    assert found.metric("e_warp_short").value == pytest.approx(noise, rel=0.25)
    # Frames ten apart have no files here.
    assert found.metric("e_warp_long").value is None
    assert found.metric("e_warp_long").absent == "no two frames 10 apart in a shot have known motion"


def test_forward_truth_alone_holds_earlier_frames_to_later_ones(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from photovst.judges import bench
    from photovst.judges.motion import JudgedMotion, content_motion

    estimated = content_motion()
    one_way = JudgedMotion("one way", estimated.between, lambda before, now: now == before + 1, lambda *_: False)
    monkeypatch.setattr(bench, "content_motion", lambda **_: one_way)
    found = judged("out.mkv", "clip.mkv")
    assert found.metric("e_stab").value > 0
    assert found.metric("e_warp_long").value is None
    assert found.flow == "one way"


def test_the_true_motion_of_sintel_is_taken_from_where_a_clip_lies(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = shared / "data" / "sintel" / "training"
    if not training.is_dir():
        pytest.skip("no excerpt of MPI-Sintel beside the checkout")
    monkeypatch.chdir(tmp_path)
    Path("rendered").symlink_to(training / "final" / "alley_1")
    found = judged("rendered", str(training / "clean" / "alley_1"), size=256)
    assert found.flow == "MPI-Sintel, 1 of 3 pairs"
    # The final pass adds blur and grain; the clean one follows its true motion, up to light that changes.
    assert 0 < found.metric("e_stab").floor < 0.03
    assert [value is not None for value in found.series["e_warp_short"]] == [False, False, True, False]
    by_dis = judged("rendered", str(training / "clean" / "alley_1"), size=256, flow="dis")
    assert found.metric("e_warp_short").floor < 1.5 * by_dis.metric("e_warp_short").floor
    assert Path("rendered.eval/metrics.json").is_file()


def test_runs_of_one_content_share_a_floor_and_of_several_have_their_own() -> None:
    def evaluation(name: str, content: str, value: float | None) -> Evaluation:
        metric = Metric("e_stab", "words", value, 0.5, "lower", "why not" if value is None else None)
        return Evaluation(name, content, f"{name}.mp4", None, content, name, 3, (1, 1), "dis", None, (metric,))

    both = figures_table([evaluation("a", "c", 0.25), evaluation("b", "c", None)]).splitlines()
    assert both[0].split() == ["figure", "input", "a", "b", "better", "protocol"]
    assert both[1].split() == ["e_stab", "0.5", "0.25", "-", "lower", "words"]
    apart = figures_table([evaluation("a", "c", 0.25), evaluation("b", "d", 0.125)]).splitlines()
    assert apart[1].split() == ["e_stab", "0.5", "0.25", "0.5", "0.125", "lower", "words"]
    alone = figures_table([evaluation("b", "c", None)]).splitlines()
    assert alone[1].endswith("why not")


def test_figures_that_are_no_number_are_told_why() -> None:
    nothing = ClipFigures(1, {}, *[math.nan] * 11, *[[] for _ in range(7)])
    for metric in metrics(nothing, nothing, "dis", "joint"):
        assert metric.value is None
        assert metric.absent or metric.name.startswith("sharpness")


def test_an_evaluation_is_read_as_it_was_written(tmp_path: Path) -> None:
    metric = Metric("e_stab", "p", 0.1, None, "lower")
    written = Evaluation("a", "c", "r", "s", "1", "2", 3, (4, 5), "dis", "joint", (metric,), {"x": [None, 1.0]})
    write_evaluation(tmp_path, written)
    assert read_evaluation(tmp_path) == written
    path = tmp_path / "metrics.json"
    values = json.loads(path.read_text())
    for text, words in (
        ("{", "is damaged"),
        (json.dumps({**values, "format": 0}), "is of another version of photovst"),
        (json.dumps({**values, "more": 1}), "is damaged"),
    ):
        path.write_text(text)
        with pytest.raises(MediaError, match=words):
            read_evaluation(tmp_path)
    path.unlink()
    with pytest.raises(MediaError, match=f"{tmp_path} has no metrics.json; 'photovst evaluate {tmp_path}' writes it"):
        read_evaluation(tmp_path)


def test_a_run_is_found_from_elsewhere_though_its_paths_are_relative(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = finished_run(Path("here/out.run"))
    assert (found.result, found.name) == (Path("here/out.mkv"), "out")
    assert Path(found.settings.content) == (tmp_path / "here/clip.mkv")


def unfinished() -> None:
    Path("out.run/finished.json").unlink()


def changed_result() -> None:
    write_clip("out.mkv", scene(Look.day, 3))


def changed_content() -> None:
    write_clip("clip.mkv", scene(Look.day, 3))


def gone_result() -> None:
    Path("out.mkv").unlink()


def gone_content() -> None:
    Path("clip.mkv").unlink()


def unknown_setting() -> None:
    Path("out.run/config.yaml").write_text("contend: a\n")


def older_record() -> None:
    Path("out.run/finished.json").write_text('{"fingerprint": ""}')


def damaged_record() -> None:
    Path("out.run/finished.json").write_text("{")


def no_run() -> None:
    Path("out.run/provenance.json").unlink()


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (unfinished, "out.run is unfinished; go on with: "),
        (changed_result, "out.mkv is not the clip that out.run wrote: it was changed since; run it anew"),
        (changed_content, "clip.mkv is not the clip that out.run was made from: it was changed since"),
        (gone_result, "out.mkv is gone, which out.run wrote; run it anew with: "),
        (gone_content, "clip.mkv is gone, which the run of out.mkv was made from; put it back, or go where it was"),
        (unknown_setting, "out.run is of another version of photovst (out.run/config.yaml: unknown setting 'contend'"),
        (older_record, "out.run is of another version of photovst: it lacks 'result'; run it anew"),
        (damaged_record, "out.run/finished.json is damaged; run it anew with --overwrite"),
        (no_run, "out.run is no run folder of photovst: it has no provenance.json; give one, or its result"),
    ],
)
def test_what_is_wrong_with_a_run_is_one_line(
    damage, line: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage()
    assert evaluate("out.run") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"photovst: error: {line}")
    assert err.count("\n") == 1
    assert not Path("out.run/metrics.json").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "nowhere does not exist; give a run folder, such as out.run, or the result of a run"),
        (["clip.mkv"], "clip.mkv has no run folder clip.run; give its run folder, or --reference CLIP if photovst did"),
        (["short.mkv", "--reference", "clip.mkv"], "short.mkv ends after 3 frames, but clip.mkv goes on; judge a clip"),
        (["photo.png", "--reference", "nowhere.mp4"], "nowhere.mp4 does not exist; check the path"),
        (
            ["out.run", "--style", "photo.png"],
            "--style photo.png goes with --reference CLIP; a run knows its photograph",
        ),
        (["out.run", "--flow", "files"], "clip.mkv lies in no folder with ground truth, as MPI-Sintel's and 'photovst"),
        (["out.run", "--flow-folder", "no"], "there is no folder no to read flow from;"),
        (["out.run", "--flow-folder", "no", "--flow", "dis"], "--flow-folder names files, but --flow dis was given;"),
        (["out.run", "--masks-style", "a.png"], "--masks-style a.png needs the clip's masks too; give --masks-content"),
        (["out.run", "--flow", "raft"], "raft_large"),
        (["short.mkv", "--reference", "short.mkv", "--style", "no.png"], "no.png does not exist; check the path"),
        (
            ["short.mkv", "--reference", "short.mkv", "--masks-content", "a", "--masks-style", "b"],
            "masks are what style is judged under; add --style PHOTO, or leave them out",
        ),
        (["square.mkv", "--reference", "clip.mkv"], "square.mkv is 32x32 but clip.mkv "),
        (
            ["short.mkv", "short.mp4", "--reference", "short.mkv"],
            "short.mkv and short.mp4 would both be judged in short.",
        ),
        (["out.run", "out.mkv"], "out.run and out.mkv would both be judged in out.run; judge each once"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    arguments: list[str], line: str, place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photovst.models.download.urlopen", None, raising=False)
    write_clip("short.mkv", scene(Look.day, 3))
    shutil.copy("short.mkv", "short.mp4")
    write_clip("square.mkv", [picture[:32, :32] for picture in scene(Look.day, 12)])
    assert evaluate(*arguments) == 2
    assert not [*Path().glob("*.eval")]
    err = capsys.readouterr().err
    assert line in err
    assert err.startswith("photovst: error: ")
    assert err.count("\n") == 1


def test_names_with_quotes_lines_and_markup_are_judged(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "a \"b\" <i>'c'\n d.mkv"
    shutil.copy("clip.mkv", name)
    assert evaluate(name, "--reference", "clip.mkv") == 0
    assert read_evaluation(Path(name.removesuffix(".mkv") + ".eval")).result == name


def test_an_evaluation_of_another_clip_is_not_replaced(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.mkv", "a.mp4"):
        shutil.copy("clip.mkv", name)
    assert evaluate("a.mkv", "--reference", "clip.mkv") == 0
    assert evaluate("a.mp4", "--reference", "clip.mkv") == 2
    assert "a.eval holds the evaluation of a.mkv, which a.mp4 would replace;" in capsys.readouterr().err
    assert read_evaluation(Path("a.eval")).result == "a.mkv"
    assert evaluate("a.mp4", "--reference", "clip.mkv", "--overwrite") == 0
    assert read_evaluation(Path("a.eval")).result == "a.mp4"


def test_frames_of_a_pattern_are_judged_beside_their_folder(place: Path) -> None:
    for number, picture in enumerate(scene(Look.day, 3)):
        write_image(Path(f"{number}.png"), picture)
    Path("frames").mkdir()
    for number in range(3):
        shutil.move(f"{number}.png", f"frames/{number}.png")
    assert evaluate("frames/*.png", "--reference", "frames") == 0
    assert (place / "frames.eval" / "metrics.json").is_file()


@pytest.mark.parametrize("name", ["metrics.json", "metrics"])
def test_what_is_in_the_way_of_an_evaluation_is_one_line(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out.run", name).mkdir() if name == "metrics.json" else Path("out.run", name).touch()
    assert evaluate("out.run") == 2
    err = capsys.readouterr().err
    assert err.startswith("photovst: error: out.run/metrics")
    assert (err.count("\n"), "move it away" in err) == (1, True)


@pytest.mark.parametrize(
    "wrong", [{"series": 5}, {"series": {"loss": ["x"]}}, {"frames": "8"}, {"made_by": None}, {"size": ["a", 1]}]
)
def test_an_evaluation_with_values_of_the_wrong_kind_is_damaged(wrong: dict[str, object], tmp_path: Path) -> None:
    metric = Metric("e_stab", "e_stab", 0.1, None, "lower")
    whole = Evaluation("a", "b", "c", None, "d", "e", 8, (4, 4), "dis", None, (metric,))
    path = write_evaluation(tmp_path, whole)
    assert read_evaluation(tmp_path) == whole
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(MediaError, match="is damaged; 'photovst evaluate --overwrite"):
        read_evaluation(tmp_path)
