"""Cube files: round trip, the format itself, FFmpeg as another reader, and what is wrong with a file."""

from pathlib import Path

import av
import numpy as np
import pytest
import torch

from photovst.errors import MediaError
from photovst.media.cube_files import Cube, read_cube, write_cube
from photovst.media.tensors import to_frame
from photovst.ops.color_lut import Interpolation, apply_lut


def random_table(points: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((points, points, points, 3), np.float32)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    table = np.round(random_table(), 6)
    write_cube(tmp_path / "a.cube", Cube(table, "shot 1, dusk"))
    read = read_cube(tmp_path / "a.cube")
    np.testing.assert_array_equal(read.table, table)
    assert (read.title, read.domain) == ("shot 1, dusk", ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)))


def test_the_file_is_as_the_format_has_it(tmp_path: Path) -> None:
    table = np.zeros((2, 2, 2, 3), np.float32)
    table[1, 0, 0] = 0.25, -1e-9, 1.5
    write_cube(tmp_path / "a.cube", Cube(table, 'a "quoted"\nüber'))
    lines = (tmp_path / "a.cube").read_bytes().decode("ascii").split("\n")
    assert lines[:4] == ['TITLE "a  quoted  ?ber"', "LUT_3D_SIZE 2", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"]
    # Red changes fastest: the second entry is that of pure red.
    assert lines[4:6] == ["0.000000 0.000000 0.000000", "0.250000 0.000000 1.500000"]
    assert len(lines) == 4 + 8 + 1
    assert lines[-1] == ""


def test_files_of_other_programs_are_read(tmp_path: Path) -> None:
    rows = "\r\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))
    text = f"# made elsewhere\r\nLUT_3D_SIZE 2\r\nDOMAIN_MIN -1 0 0\r\nDOMAIN_MAX 1 2e0 1\r\n\r\n{rows}\r\n"
    (tmp_path / "a.cube").write_bytes(text.encode())
    read = read_cube(tmp_path / "a.cube")
    assert (read.title, read.domain) == ("", ((-1.0, 0.0, 0.0), (1.0, 2.0, 1.0)))
    np.testing.assert_array_equal(read.table[1, 0, 1], [1, 0, 1])


@pytest.mark.parametrize("interpolation", ["trilinear", "tetrahedral"])
def test_ffmpeg_gives_the_same_picture(tmp_path: Path, interpolation: Interpolation) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    picture[:2, :8] = np.array([[0, 255]]).repeat(4)[:, None]
    table = random_table(9)
    write_cube(tmp_path / "a.cube", Cube(table))
    graph = av.filter.Graph()
    source = graph.add("buffer", "video_size=64x48:pix_fmt=rgb24:time_base=1/25:pixel_aspect=1/1")
    look_up = graph.add("lut3d", f"file={tmp_path / 'a.cube'}:interp={interpolation}")
    sink = graph.add("buffersink")
    source.link_to(look_up)
    look_up.link_to(sink)
    graph.configure()
    graph.push(av.VideoFrame.from_ndarray(picture, "rgb24"))
    theirs = graph.pull().to_ndarray(format="rgb24").astype(float)
    ours = apply_lut(torch.from_numpy(table), to_frame(picture), interpolation)[0].permute(1, 2, 0).numpy() * 255
    # FFmpeg cuts off what is below a level.
    assert np.abs(ours - theirs).max() < 1.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no three-dimensional .cube file: LUT_3D_SIZE is absent"),
        ("LUT_3D_SIZE 1\n0 0 0\n", "LUT_3D_SIZE is 1, not 2 to 256"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1\n", "holds one-dimensional tables"),
        ("LUT_3D_SIZE 2\n0 0 0\n", "is damaged: 1 entries where LUT_3D_SIZE 2 needs 8"),
        ("LUT_3D_SIZE 2\n" + "0 0\n" * 8, "is damaged: '0 0' is not 3 numbers"),
        ("LUT_3D_SIZE 2\n" + "nan 0 0\n" * 8, "is damaged: 'nan 0 0' is not 3 numbers"),
        ("LUT_3D_SIZE 2\nDOMAIN_MAX 1 0 1\n" + "0 0 0\n" * 8, "DOMAIN_MAX is not above DOMAIN_MIN"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.cube").write_text(text)
    with pytest.raises(MediaError, match=said):
        read_cube(tmp_path / "a.cube")


def test_places_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        read_cube(tmp_path / "none.cube")
    with pytest.raises(MediaError, match="cannot write"):
        write_cube(tmp_path / "none" / "a.cube", Cube(random_table()))
    with pytest.raises(ValueError, match="is no cube"):
        write_cube(tmp_path / "a.cube", Cube(np.zeros((3, 3, 2, 3), np.float32)))
    with pytest.raises(ValueError, match="no number"):
        write_cube(tmp_path / "a.cube", Cube(np.full((2, 2, 2, 3), np.nan, np.float32)))
