from pathlib import Path

import pytest

from photovst.errors import MediaError
from photovst.media.label_legend import LEGEND, Entry, Legend, read_legend, write_legend

SKY, SEA = Entry(3, "sky", (6, 230, 230)), Entry(27, "sea, open", (9, 7, 230))


def test_what_is_written_is_read_again_in_the_order_of_ids(tmp_path: Path) -> None:
    path = write_legend(tmp_path, Legend((SEA, SKY)))
    assert path == tmp_path / LEGEND
    assert path.read_bytes() == b'id,name,color\n3,sky,#06e6e6\n27,"sea, open",#0907e6\n'
    legend = read_legend(tmp_path)
    assert legend == Legend((SKY, SEA))
    assert legend.names == {3: "sky", 27: "sea, open"}
    assert [entry.name for entry in tmp_path.iterdir()] == [LEGEND]


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert read_legend(tmp_path) is None


def test_as_a_spreadsheet_saves_it(tmp_path: Path) -> None:
    (tmp_path / LEGEND).write_bytes(b"\xef\xbb\xbfid, name ,color\r\n\r\n3, sky, #06E6E6\r\n4,sky,#06e6e6\r\n")
    legend = read_legend(tmp_path)
    assert legend == Legend((SKY, Entry(4, "sky", (6, 230, 230))))  # two ids of one class


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("", r"begins with ''; its first line must be 'id,name,color'$"),
        ("id,name\n3,sky", r"begins with 'id,name'; its first line must be"),
        ("id,name,color\n", r"a legend needs at least one line: id,name,color$"),
        ("id,name,color\n3,sky", r"the line '3,sky' is not 'id,name,color', such as '3,sky,#06e6e6'$"),
        ("id,name,color\nx,sky,#06e6e6", r"the line 'x,sky,#06e6e6' is not"),
        ("id,name,color\n-1,sky,#06e6e6", r"the line '-1,sky,#06e6e6' is not"),
        ("id,name,color\n3,sky,blue", r"the line '3,sky,blue' is not"),
        ("id,name,color\n3,,#06e6e6", r"id 3 of a legend has the name ''; give it one"),
        ("id,name,color\n65536,sky,#06e6e6", r"id 65536 of a legend is out of range; give 0 to 65535$"),
        ("id,name,color\n3,sky,#06e6e6\n3,sea,#000000", r"id 3 stands in a legend twice; give each id one line$"),
        ("id,name,color\n3,sky,#06e6e6\n4,sea,#06E6E6", r"sky and sea have one color in a legend, #06e6e6; give each"),
    ],
)
def test_a_legend_that_says_nothing_or_two_things_is_refused(tmp_path: Path, lines: str, message: str) -> None:
    (tmp_path / LEGEND).write_text(lines)
    with pytest.raises(MediaError, match=rf"^the legend .*labels\.csv:? .*{message}" if lines else message) as caught:
        read_legend(tmp_path)
    assert "\n" not in str(caught.value)


def test_one_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / LEGEND).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MediaError, match=r"^the legend .*labels\.csv cannot be read .*; save it as text in UTF-8$"):
        read_legend(tmp_path)


def test_a_color_out_of_range_is_refused() -> None:
    with pytest.raises(MediaError, match=r"^id 3 of a legend has the color \(256, 0, 0\); give levels from 0 to 255$"):
        Legend((Entry(3, "sky", (256, 0, 0)),))


def test_where_it_cannot_be_written_one_line_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"^cannot write .*labels\.csv: .*; free space or choose another place$"):
        write_legend(tmp_path / "absent", Legend((SKY,)))
