"""Downloads against a server in this process: whole and verified, or not under the name at all."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from file_server import FileServer, serving

from photovst.errors import WeightsError
from photovst.models import download as module
from photovst.models.download import download

SIZE, CUT = 700_000, 400_000
CONTENT = np.random.default_rng(0).bytes(SIZE)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "user" / "weights" / "net.pth"


def _cut_off(server: FileServer, path: Path) -> None:
    """A first download that ends early, of a server that behaves from then on."""
    server.stop_after = CUT
    with pytest.raises(WeightsError) as error:
        download(server.url, path, server.sha256)
    assert str(error.value) == (
        f"{server.url} was cut off after {CUT} of {SIZE} bytes; what came is kept, and the same command goes on from"
        " there"
    )
    assert not path.exists()
    server.stop_after = None
    server.sent = 0


def _names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_a_file_is_there_whole_with_its_hash_beside_it(server: FileServer, path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    download(server.url, path, server.sha256[:8], lambda done, total: told.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert _names(path) == ["net.pth", "net.pth.sha256"]
    assert (path.parent / "net.pth.sha256").read_text() == f"{server.sha256}  net.pth\n"
    assert (told[0], told[-1]) == ((0, SIZE), (SIZE, SIZE))
    assert len(told) > 3
    assert told == sorted(told)


def test_a_download_that_was_cut_goes_on_where_it_stopped(server: FileServer, path: Path) -> None:
    _cut_off(server, path)
    told: list[int] = []
    download(server.url, path, server.sha256, lambda done, total: told.append(done))
    assert path.read_bytes() == CONTENT
    assert (server.asked[1]["Range"], server.asked[1]["If-Range"]) == (f"bytes={CUT}-", '"one"')
    assert (server.sent, told[0]) == (SIZE - CUT, CUT)
    assert _names(path) == ["net.pth", "net.pth.sha256"]


def test_a_file_that_changed_meanwhile_begins_anew(server: FileServer, path: Path) -> None:
    _cut_off(server, path)
    server.content, server.etag = CONTENT[::-1], '"two"'
    download(server.url, path, server.sha256)
    assert path.read_bytes() == CONTENT[::-1]
    assert server.sent == SIZE


@pytest.mark.parametrize(
    ("etag", "modified", "expected"),
    [
        ('W/"weak"', "Sat, 21 Nov 2026 09:00:00 GMT", "Sat, 21 Nov 2026 09:00:00 GMT"),
        ('W/"weak"', None, None),
        (None, None, None),
    ],
)
def test_only_a_version_that_can_be_told_apart_is_resumed(
    server: FileServer, path: Path, etag: str | None, modified: str | None, expected: str | None
) -> None:
    server.etag, server.modified = etag, modified
    _cut_off(server, path)
    download(server.url, path, server.sha256)
    assert path.read_bytes() == CONTENT
    assert server.asked[1].get("If-Range") == expected
    assert ("Range" in server.asked[1]) == (expected is not None)


def test_another_file_is_refused_and_nothing_of_it_is_left(server: FileServer, path: Path) -> None:
    wanted = "0" * 64
    with pytest.raises(WeightsError) as error:
        download(server.url, path, wanted)
    assert str(error.value) == (
        f"{server.url} gives another file: its sha256 is {server.sha256[:16]}..., not {wanted[:16]}...; nothing was"
        " kept"
    )
    assert [name for name in _names(path) if not name.endswith(".lock")] == []


def test_a_damaged_part_is_found_and_dropped(server: FileServer, path: Path) -> None:
    _cut_off(server, path)
    part = path.with_name("net.pth.part")
    part.write_bytes(b"x" + part.read_bytes()[1:])
    with pytest.raises(WeightsError, match="gives another file"):
        download(server.url, path, server.sha256)
    assert not path.exists()
    download(server.url, path, server.sha256)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("length", [SIZE, SIZE + 1])
def test_a_part_with_nothing_missing_begins_anew(server: FileServer, path: Path, length: int) -> None:
    _cut_off(server, path)
    path.with_name("net.pth.part").write_bytes(bytes(length))
    download(server.url, path, server.sha256)
    assert path.read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_another_part_than_asked_for_is_refused(server: FileServer, path: Path) -> None:
    _cut_off(server, path)
    server.misplaced = 5
    with pytest.raises(WeightsError, match=r"/net\.pth sends another part than the one asked for$"):
        download(server.url, path, server.sha256)
    assert path.with_name("net.pth.part").read_bytes() == CONTENT[:CUT]


def test_a_server_that_stalls_is_given_up(server: FileServer, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    server.stop_after, server.stalls = CUT, True
    with pytest.raises(WeightsError, match=r"was cut off \(timed out\); what came is kept"):
        download(server.url, path, server.sha256)
    kept = path.with_name("net.pth.part").read_bytes()
    assert kept
    assert CONTENT.startswith(kept)
    assert not path.exists()


def test_what_the_network_says_is_one_line(server: FileServer, path: Path) -> None:
    nowhere = server.url.replace("net.pth", "none")
    with pytest.raises(WeightsError, match=rf"^{nowhere} answers 404 Not Found$"):
        download(nowhere, path, server.sha256)
    secure = server.url.replace("http:", "https:")
    with pytest.raises(WeightsError, match=rf"^{secure} cannot be reached \(.*(ssl|SSL|EOF).*\)$"):
        download(secure, path, server.sha256)
    server.port = 1
    with pytest.raises(WeightsError, match=rf"^{server.url} cannot be reached \(Connection refused\)$"):
        download(server.url, path, server.sha256)


def test_two_processes_download_once(server: FileServer, path: Path) -> None:
    server.delay = 1.0  # both have started by then
    program = (
        f"from photovst.models.download import *; download({server.url!r}, Path({str(path)!r}), {server.sha256!r})"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=30)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    assert len(server.asked) == 1
    assert path.read_bytes() == CONTENT
    assert _names(path) == ["net.pth", "net.pth.sha256"]


def test_a_file_brought_by_another_process_is_taken(
    server: FileServer, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    with caplog.at_level(logging.WARNING):
        download(server.url, path, server.sha256)
    assert server.asked == []
    assert caplog.messages == []
