"""``photovst weights``, and the table of ``docs/weights.md``, which running this file as a program writes anew."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from file_server import FileServer, serving
from light_imports import run_light
from small_runs import run

from photovst.models import checkpoints
from photovst.models.checkpoints import CHECKPOINTS, Checkpoint

PAGE = Path(__file__).resolve().parents[1] / "docs" / "weights.md"
BEGIN, END = "<!-- written by tests/test_weights_cli.py -->\n", "<!-- end -->\n"


def docs_table() -> str:
    """The published weights as the page shows them."""
    lines = [
        "| name | file | size | licence | cite | what it is, where it is, whose hash |",
        "|---|---|---|---|---|---|",
    ]
    for each in CHECKPOINTS:
        place = f"<{each.url}>" if each.url else "no address is known"
        digits = "whole sha256" if len(each.sha256) == 64 else f"first {len(each.sha256)} digits of its sha256"
        known = f"`{each.sha256[:8]}`, {digits}" if each.sha256 else "No hash is published"
        about = f"{each.origin}. {place}. {known}: {each.hash_from}"
        cells = (f"`{each.name}`", f"`{each.file}`", each.size, each.licence, f"[{each.citation}]", about)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache folder of the test's own, and no other folder."""
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "user" / name))
    return tmp_path / "user" / "photovst" / "weights"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of ``net``; the others of the table have no address, and ``bare`` has no hash either."""
    with serving(b"weights") as server:
        rest = ("the test", 3.94, "MIT", "Wang2020", "the authors' page")
        net = Checkpoint("net", "net.pth", server.sha256[:8], *rest, server.url)
        old = Checkpoint("old", "old.pth", server.sha256, *rest)
        bare = Checkpoint("bare", "bare.pth", "", *rest)
        monkeypatch.setattr(checkpoints, "CHECKPOINTS", (net, old, bare))
        yield server


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, list[str], list[str]]]:
    """Exit code, stdout and stderr of ``photovst weights ...``, as lines."""

    def call(*arguments: str) -> tuple[int, list[str], list[str]]:
        code = run("weights", *arguments)
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return call


Said = Callable[..., tuple[int, list[str], list[str]]]


def test_list_shows_one_row_each(said: Said, user_cache: Path) -> None:
    user_cache.mkdir(parents=True)
    (user_cache / "vgg19_cd16x.pth").write_bytes(b"not verified for a list")
    code, rows, errors = said("list")
    assert (code, errors) == (0, [])
    assert rows[0].split() == ["name", "file", "size", "licence", "where", "cite"]
    assert [row.split()[0] for row in rows[1:]] == [each.name for each in CHECKPOINTS]
    (small,) = [row for row in rows if row.startswith("vgg19_cd16x ")]
    columns = ["vgg19_cd16x", "vgg19_cd16x.pth", "3.9 MB", "MIT", f"{user_cache / 'vgg19_cd16x.pth'}", "[Wang2020]"]
    assert [cell.strip() for cell in small.split("  ") if cell] == columns
    assert "  absent  " in rows[1]


def test_fetch_prints_the_path_and_says_when_it_is_already_there(
    said: Said, server: FileServer, user_cache: Path
) -> None:
    path = str(user_cache / "net.pth")
    line = f"photovst: downloading net.pth (3.9 MB, MIT) from {server.url}"
    assert said("fetch", "net") == (0, [path], [line])
    assert (user_cache / "net.pth").read_bytes() == b"weights"
    assert said("fetch", "net") == (0, [path], ["photovst: net is already there"])
    left_out = [f"photovst: {name} is left out: no address is known for it" for name in ("old", "bare")]
    assert said("fetch", "all") == (0, [path], [*left_out, "photovst: net is already there"])
    assert len(server.asked) == 1


def test_fetch_shows_a_bar_on_a_terminal(said: Said, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, _, lines = said("fetch", "net")
    assert code == 0
    (last, _) = lines[-2:]  # the bar, and the cursor shown again
    assert "net.pth" in last
    assert "7/7 bytes" in last


def test_what_cannot_be_fetched_ends_with_2_and_one_line(said: Said, server: FileServer, user_cache: Path) -> None:
    unknown = "photovst: error: no weights are called 'nett'; did you mean 'net'?"
    assert said("fetch", "nett") == (2, [], [unknown])
    code, out, (line,) = said("fetch", "old")
    assert (code, out) == (2, [])
    assert "no address is known for it; get it from the authors' page, and put it there" in line
    server.content = b"another"
    code, out, (_, line) = said("fetch", "net")
    assert (code, out) == (2, [])
    assert "/net.pth gives another file: its sha256 is " in line
    assert not (user_cache / "net.pth").exists()
    assert run("weights", "fetch") == 2


def test_verify_tells_good_from_bad(said: Said, server: FileServer, user_cache: Path) -> None:
    assert said("verify") == (0, [f"no weights are in {user_cache}"], [])
    absent = f"photovst: error: net.pth is not in {user_cache}; run 'photovst weights fetch net'"
    assert said("verify", "net") == (2, ["net  absent"], [absent])
    path, old = user_cache / "net.pth", user_cache / "old.pth"
    said("fetch", "net")
    assert said("verify") == (0, [f"net  ok  {path}"], [])
    path.with_name("net.pth.sha256").unlink()
    assert said("verify", "net") == (0, [f"net  ok (first 8 digits)  {path}"], [])
    old.write_bytes(b"broken")
    code, out, (line,) = said("verify")
    assert (code, out) == (2, [f"net  ok (first 8 digits)  {path}", f"old  bad  {old}"])
    assert line.startswith(f"photovst: error: {old} is not the published old.pth: its sha256 is ")
    path.write_bytes(b"broken as well")
    code, out, (line,) = said("verify", "old", "net")
    assert (code, out) == (2, [f"old  bad  {old}", f"net  bad  {path}"])
    assert line.count("is not the published") == 2


def test_verify_says_where_no_hash_is_published(
    said: Said, server: FileServer, user_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user_cache.mkdir(parents=True)
    path = user_cache / "bare.pth"
    path.write_bytes(b"by hand")
    for _ in range(2):
        assert said("verify", "bare")[:2] == (0, [f"bare  ok, as first recorded (no hash is published)  {path}"])
    assert len(caplog.messages) == 1
    path.write_bytes(b"broken")
    code, out, (line,) = said("verify", "bare")
    assert (code, out) == (2, [f"bare  bad  {path}"])
    assert "is not the file it was when its hash was first recorded" in line


def test_where_names_the_folders_in_order_and_the_file(
    said: Said, server: FileServer, user_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said("where") == (0, [str(user_cache)], [])
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path / "named"))
    assert said("where") == (0, [str(tmp_path / "named"), str(user_cache)], [])
    absent = f"net.pth is not in {tmp_path / 'named'} or {user_cache}; run 'photovst weights fetch net'"
    assert said("where", "net") == (2, [], [f"photovst: error: {absent}"])
    said("fetch", "net")
    assert said("where", "net") == (0, [str(user_cache / "net.pth")], [])
    assert server.asked[1:] == []


@pytest.mark.parametrize("arguments", [["list"], ["verify"], ["where"], ["--help"], ["fetch", "--help"]])
def test_none_of_it_needs_pytorch(arguments: list[str], user_cache: Path) -> None:
    done = run_light("from photovst.cli import main; assert main(['weights', *sys.argv[1:]]) == 0", *arguments)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_shows_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0] == docs_table()


if __name__ == "__main__":
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(before + BEGIN + docs_table() + END + rest.split(END)[1], encoding="utf-8")
