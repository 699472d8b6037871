"""Runs over published pairs, on small pictures in their layout."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from photovst.cli import main
from photovst.errors import SettingsError
from photovst.judges.pictures import Figures
from photovst.media.images import read_image, write_image
from photovst.media.scenes import Look, Scene, photograph
from photovst.pair_settings import load_pairs
from photovst.pairs import Row, summary, table

EXPERIMENT = """
pairs: {folder}
pair: "1"
output: {out}/${{pair}}.png
segmentation: {{method: files}}
schedule: {{scales: [32], iterations: [3], next_iterations: [1], still_iterations: 0}}
"""


def _mask(height: int, width: int) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, :, 2] = 255
    picture[height // 2 :, :, 1] = 255
    return picture


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs, the first with a published result."""
    place = tmp_path_factory.mktemp("drawn")
    for number in (1, 2):
        folder = place / f"{number:02d}"
        folder.mkdir()
        write_image(folder / "content.png", Scene(number, Look.day, (32, 48), 1).frame(0))
        write_image(folder / "style.png", photograph(Look.sunset, number, (40, 60)))
        write_image(folder / "content_mask.png", _mask(32, 48))
        write_image(folder / "style_mask.png", _mask(40, 60))
    write_image(place / "01" / "luan_result.png", Scene(1, Look.sunset, (32, 48), 1).frame(0))
    return place


@pytest.fixture
def pairs(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the pairs and an experiment on them; the working folder."""
    monkeypatch.setattr("photovst.models.weight_files.folders", lambda: [tmp_path / "no weights"])
    monkeypatch.chdir(tmp_path)
    shutil.copytree(drawn, tmp_path / "pairs")
    (tmp_path / "pair.yaml").write_text(EXPERIMENT.format(folder=tmp_path / "pairs", out="results"))
    return tmp_path


def test_one_pair_by_number(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pair.yaml", "pair=2", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "| 02 | content |" in out
    assert "| 02 | ours |" in out
    assert "published" not in out  # that pair has none
    assert "| all |" not in out
    assert "Not judged by vgg19_cd16x and vgg19_conv3_1: no weights here; 'photovst weights' says how" in out
    assert read_image(pairs / "results" / "02.png").shape == (32, 48, 3)


def test_all_pairs_a_table_and_a_sheet_and_no_pair_twice(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pair.yaml", "pair=all", "-o", "other", "--quiet"]) == 0
    out = capsys.readouterr().out
    for line in ("| 01 | published |", "| 01 | ours |", "| 02 | ours |", "| all | content |", "| all | ours |"):
        assert line in out
    assert "| all | published |" not in out  # not every pair has one
    rows = json.loads((pairs / "other" / "pairs.json").read_text())
    assert [row["pair"] for row in rows] == ["01", "02"]
    ours, content = rows[0]["figures"]["ours"], rows[0]["figures"]["content"]
    assert content["edge"] == pytest.approx(1)
    assert ours["style"]["steerable"] < content["style"]["steerable"]
    sheet = read_image(pairs / "other" / "pairs.jpg")
    assert sheet.shape == (440, 330 * 4, 3)  # content, photograph, published, ours; the second lacks one
    assert sheet[220:, 330 * 3 + 8 :].min() > 240
    written = (pairs / "other" / "01.png").stat().st_mtime_ns
    assert main(["run", "pair.yaml", "pair=all", "-o", "other", "--quiet"]) == 0
    assert (pairs / "other" / "01.png").stat().st_mtime_ns == written
    assert main(["run", "pair.yaml", "pair=all", "-o", "other", "--quiet", "--overwrite"]) == 0
    assert (pairs / "other" / "01.png").stat().st_mtime_ns > written


def test_settings_of_a_pair(pairs: Path) -> None:
    ((pair, settings),) = load_pairs([pairs / "pair.yaml"], ["pair=2", "seed=4"])
    assert pair.number == 2
    assert settings.content == str(pairs / "pairs" / "02" / "content.png")
    assert settings.segmentation.style == str(pairs / "pairs" / "02" / "style_mask.png")
    assert (settings.pair, settings.output, settings.seed) == ("02", "results/02.png", 4)
    assert load_pairs([pairs / "pair.yaml"], [], "here.png")[0][1].output == "here.png"
    assert [s.output for _, s in load_pairs([pairs / "pair.yaml"], ["pair=1,2"], "here")] == [
        "here/01.png",
        "here/02.png",
    ]
    assert load_pairs([], ["content=a.mp4"]) == []


def test_the_folder_may_come_from_the_environment(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pairs / "env.yaml").write_text("base: pair.yaml\npairs: ${oc.env:PHOTOVST_PAIRS,nowhere}\n")
    monkeypatch.setenv("PHOTOVST_PAIRS", str(pairs / "pairs"))
    assert load_pairs([pairs / "env.yaml"])[0][0].number == 1


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["pairs=null"], r"^pair is set, but pairs is not; set pairs=FOLDER$"),
        (["pair=null"], r"^pairs is set, but pair is not; set pair=NUMBER or pair=all$"),
        (["pair=all", "output=a.png"], r"^every pair would be written to output=a\.png; put \$\{pair\} into its name"),
        (["pair=9"], r"^pair=9: there is no pair 9"),
        (["pairs=${oc.env:NOT_SET_ANYWHERE}"], r"is no folder"),
    ],
)
def test_settings_that_name_no_pairs(pairs: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        load_pairs([pairs / "pair.yaml"], overrides)
    assert "Traceback" not in str(caught.value)


def test_one_run_folder_serves_one_pair(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "pair.yaml", "pair=all", "--run", "one"]) == 2
    assert capsys.readouterr().err == (
        "photovst: error: --run names one folder, but there are several pairs; leave it out\n"
    )


def test_means_are_geometric_where_a_factor_counts() -> None:
    figures = [Figures({"a": 0.1}, 0.5, 1.0), Figures({"a": 0.4}, 0.7, 100.0)]
    total = summary(figures)
    assert total.style["a"] == pytest.approx(0.2)
    assert total.edge == pytest.approx(0.6)
    assert total.matting == pytest.approx(10)
    rows = [Row("01", {"ours": figures[0]}, 2.0), Row("02", {"ours": figures[1]}, 6.0)]
    assert table(rows).splitlines()[-1] == "| all | ours | 0.2000 | 0.600 | 10.00 | 4.0 |"


def test_errors_are_those_of_the_settings(pairs: Path) -> None:
    with pytest.raises(SettingsError, match=r"^command line: strength takes a number from 0 to 1"):
        load_pairs([pairs / "pair.yaml"], ["strength=2"])
