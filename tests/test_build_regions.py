"""Settings become regions: every method, files of masks, photographs of single regions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from photovst.build_regions import build_mask_track, build_region_finder, build_regions
from photovst.config import SegmentationMethod, Settings
from photovst.errors import MediaError, SettingsError, WeightsError
from photovst.guidance.groups import GROUPS
from photovst.media.images import write_image
from photovst.media.label_legend import Entry, Legend, write_legend
from photovst.media.label_values import write_labels
from photovst.settings_io import load_settings

FRAME = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
PHOTO = torch.rand(1, 3, 40, 36, generator=torch.Generator().manual_seed(1))


def _settings(*overrides: str) -> Settings:
    return load_settings([], overrides, {"content": "clip.mp4", "style": "photo.jpg", "output": "out.mp4"})


def _mask(path: Path, *colors: tuple[int, int, int]) -> Path:
    columns = np.repeat(np.array(colors, np.uint8), 8, axis=0)
    write_image(path, np.ascontiguousarray(np.broadcast_to(columns, (16, *columns.shape))))
    return path


@pytest.mark.parametrize("method", ["joint", "files", "none"])
def test_every_segmentation_without_weights(method: str, tmp_path: Path) -> None:
    blue, red = (0, 0, 255), (255, 0, 0)
    content, style = _mask(tmp_path / "clip.png", blue, red), _mask(tmp_path / "photo.png", blue)
    settings = _settings(
        f"segmentation.method={method}",
        "segmentation.regions=2",
        f"segmentation.content={content}",
        f"segmentation.style={style}",
    )
    regions = build_regions(settings, [FRAME], PHOTO, 2)
    masks = regions.of(0, FRAME)
    assert masks.shape == (1, len(regions.names), 32, 48)
    assert regions.photo.shape[:2] == masks.shape[:2]
    torch.testing.assert_close(masks.sum(dim=1), torch.ones(1, 32, 48))
    expected = {
        "joint": (("region 1", "region 2"), ()),
        "files": (
            ("blue", "red"),
            ("region red of the clip is not in the photograph; it takes the look of the whole photograph",),
        ),
        "none": (("whole frame",), ()),
    }
    assert (regions.names, regions.notices) == expected[method]


def test_mask_files_of_another_size_are_said(tmp_path: Path) -> None:
    red = (255, 0, 0)
    content, style = _mask(tmp_path / "clip.png", red), _mask(tmp_path / "photo.png", red)  # 8x16
    settings = _settings("segmentation.method=files", f"segmentation.content={content}", f"segmentation.style={style}")
    photo = PHOTO[..., :16, :8]
    assert build_regions(settings, [FRAME], photo, 1, (16, 8)).notices == ()
    (notice,) = build_regions(settings, [FRAME], photo, 1, (17, 8)).notices
    assert notice.endswith("clip.png is 8x16, but its picture 8x17; it is resized")
    with pytest.raises(MediaError, match=r"photo\.png is 8x16, but its picture 36x40; give one of the picture's size"):
        build_regions(settings, [FRAME], PHOTO, 1, (16, 8))


def test_mask_files_are_taken_frame_by_frame(tmp_path: Path) -> None:
    blue, red = (0, 0, 255), (255, 0, 0)
    (tmp_path / "masks").mkdir()
    _mask(tmp_path / "masks" / "0.png", blue, red)
    _mask(tmp_path / "masks" / "1.png", red, blue)
    settings = _settings(
        "segmentation.method=files",
        f"segmentation.content={tmp_path / 'masks'}",
        f"segmentation.style={_mask(tmp_path / 'photo.png', blue, red)}",
    )
    regions = build_regions(settings, [FRAME], PHOTO, 2)
    assert torch.equal(regions.of(0, FRAME), regions.of(1, FRAME).flip(1))
    for frames in (1, 3):
        with pytest.raises(MediaError, match=f"holds 2 masks, but the clip has {frames} frames; give one a frame"):
            build_regions(settings, [FRAME], PHOTO, frames)


def test_the_seed_reaches_the_regions() -> None:
    masks = [
        build_regions(_settings(f"seed={seed}", "segmentation.regions=3"), [FRAME], PHOTO, 2).photo
        for seed in (0, 0, 1)
    ]
    assert torch.equal(masks[0], masks[1])
    assert masks[0].shape != masks[2].shape or not torch.equal(masks[0], masks[2])


def test_every_method_is_known_to_the_builder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The methods by networks get as far as their weights."""
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")  # where nobody answers: as without a network
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path))
    tried = set(SegmentationMethod.__members__) - {"joint", "files", "none"}
    assert tried == {"ade20k", "ade20k_mobile"}
    for method in tried:
        if method == "ade20k":
            pytest.importorskip("mit_semseg", reason="pip install --no-deps mit-semseg==1.0.0")
        with pytest.raises(WeightsError, match="is not in"):
            build_regions(_settings(f"segmentation.method={method}"), [FRAME], PHOTO, 1)


def test_ade20k_mobile_names_groups(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    regions = build_regions(_settings("segmentation.method=ade20k_mobile"), [FRAME], PHOTO, 1)
    assert set(regions.names) <= set(GROUPS)
    torch.testing.assert_close(regions.of(0, FRAME).sum(dim=1), torch.ones(1, 32, 48))
    with pytest.raises(
        SettingsError, match=r"segmentation\.weights\.skyy: there is no region 'skyy'; did you mean 'sky'"
    ):
        build_regions(_settings("segmentation.method=ade20k_mobile", "segmentation.weights.skyy=2"), [FRAME], PHOTO, 1)


def test_a_region_with_a_photograph_of_its_own(tmp_path: Path) -> None:
    blue, red = (0, 0, 255), (255, 0, 0)
    masks = _mask(tmp_path / "clip.png", blue, red)
    write_image(tmp_path / "dusk.png", np.full((20, 30, 3), 90, np.uint8))
    method = ("segmentation.method=files", f"segmentation.content={masks}", f"segmentation.style={masks}")
    own = f"segmentation.styles.red={tmp_path / 'dusk.png'}"
    regions = build_regions(_settings(*method, own, "segmentation.weights.blue=3"), [FRAME], PHOTO, 1)
    assert dict(zip(regions.names, regions.sources, strict=True)) == {"blue": 0, "red": 1}
    assert dict(zip(regions.names, regions.weights, strict=True)) == {"blue": 3.0, "red": 1.0}
    assert regions.photos[1].name == "dusk.png"
    with pytest.raises(MediaError, match=r"none\.png"):
        build_regions(_settings(*method, f"segmentation.styles.red={tmp_path / 'none.png'}"), [FRAME], PHOTO, 1)


def test_without_a_mask_of_the_photograph_every_region_takes_all_of_it(tmp_path: Path) -> None:
    masks = _mask(tmp_path / "clip.png", (0, 0, 255), (255, 0, 0))
    regions = build_regions(_settings("segmentation.method=files", f"segmentation.content={masks}"), [FRAME], PHOTO, 1)
    assert regions.photo.eq(1).all()
    assert [row.mapped_to for row in regions.coverage] == ["whole photograph"] * 2


@pytest.mark.parametrize("method", ["joint", "none"])
def test_without_a_photograph_regions_are_the_clips_own(method: str) -> None:
    regions = build_region_finder(_settings(f"segmentation.method={method}"), None, 1)([FRAME], range(1))
    assert len(regions.names) >= 1
    assert all(row.why != "not in the photograph" for row in regions.coverage)


def test_masks_drawn_by_hand_are_left_as_they_are(tmp_path: Path) -> None:
    own = torch.rand(1, 2, 32, 48).softmax(dim=1)
    for method, changed in (("files", False), ("joint", True)):
        content = ("segmentation.content=x.png",) if method == "files" else ()
        track = build_mask_track(_settings(f"segmentation.method={method}", *content))
        shown = track.step(FRAME, own, None)
        assert torch.allclose(shown, own, atol=1e-3) is not changed


def test_what_is_painted_in_one_frame_is_a_region_of_its_shot(tmp_path: Path) -> None:
    blue, red = (0, 0, 255), (255, 0, 0)
    (tmp_path / "masks").mkdir()
    for t in range(30):
        _mask(tmp_path / "masks" / f"{t:02d}.png", blue, *([red] if t == 21 else []))
    photo = _mask(tmp_path / "photo.png", blue, red)
    settings = _settings(
        "segmentation.method=files", f"segmentation.content={tmp_path / 'masks'}", f"segmentation.style={photo}"
    )
    find = build_region_finder(settings, PHOTO, 30)
    early, late = find([FRAME], range(15)), find([FRAME], range(15, 30))
    assert (early.names, late.names) == (("blue",), ("blue", "red"))
    assert late.coverage[1].clip == pytest.approx(0.5 / 15)
    assert late.of(21, FRAME)[0, 1].mean().item() == pytest.approx(0.5)


def test_what_is_painted_as_nothing_has_no_style(tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    legend = Legend((Entry(0, "nothing", (0, 0, 0)), Entry(1, "sky", (9, 9, 255))))
    write_legend(masks, legend)
    write_labels(masks / "clip.png", np.repeat([[0, 1]], 8, axis=0), legend)
    settings = _settings("segmentation.method=files", f"segmentation.content={masks / 'clip.png'}")
    regions = build_regions(settings, [FRAME], PHOTO, 1)
    assert dict(zip(regions.names, regions.weights, strict=True)) == {"nothing": 0.0, "sky": 1.0}


def test_numbers_without_a_legend_and_names_of_groups_meet(tmp_path: Path) -> None:
    trees, named = np.full((8, 12), 5, np.uint8), tmp_path / "named"  # ADE20K's tree
    trees[:4] = 3  # its sky
    write_gray(tmp_path / "clip.png", trees)
    named.mkdir()
    legend = Legend((Entry(0, "nothing", (0, 0, 0)), Entry(1, "vegetation", (9, 200, 9)), Entry(2, "sky", (9, 9, 200))))
    write_legend(named, legend)
    write_labels(named / "photo.png", np.repeat([[0, 1, 2]], 9, axis=0), legend)
    masks = (f"segmentation.content={tmp_path / 'clip.png'}", f"segmentation.style={named / 'photo.png'}")
    regions = build_regions(_settings("segmentation.method=files", *masks), [FRAME], PHOTO, 1)
    assert sorted(regions.names) == ["sky", "vegetation"]
    assert [row.why for row in regions.coverage if row.region] == ["in both", "in both"]


def write_gray(path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(path)
