import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from file_server import FileServer, serving

from photovst.errors import WeightsError
from photovst.models import weight_files
from photovst.models.checkpoints import (
    CHECKPOINTS,
    GHIASI2017,
    VGG16,
    VGG19,
    VGG19_CD16X,
    VGG19_CONV3_1,
    Checkpoint,
    checkpoint_named,
)
from photovst.models.torchvision_ops import import_torchvision
from photovst.models.weight_files import digest, find, folders, present, verify
from photovst.models.weights import load

BIBLIOGRAPHY = Path(__file__).resolve().parents[2] / "docs" / "references.bib"


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache folder of the test's own, and no other folder."""
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "user" / name))
    folder = tmp_path / "user" / "photovst" / "weights"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(b"weights") as server:
        yield server


def _checkpoint(sha256: str, url: str | None = None) -> Checkpoint:
    return Checkpoint("net", "net.pth", sha256, "the test", 3.94, "MIT", "Wang2020", "the authors' page", url)


def _published(path: Path, content: object = None) -> Checkpoint:
    torch.save({"model": {"conv0.weight": torch.ones(2, 2)}, "epoch": 20} if content is None else content, path)
    return _checkpoint(hashlib.sha256(path.read_bytes()).hexdigest())


def test_the_named_folder_comes_before_the_users_cache(
    tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = _published(user_cache / "net.pth")
    assert folders() == [user_cache]
    assert find(checkpoint) == user_cache / "net.pth"
    named = tmp_path / "named"
    named.mkdir()
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(named))
    assert folders() == [named, user_cache]
    assert find(checkpoint) == user_cache / "net.pth"
    (named / "net.pth").write_bytes((user_cache / "net.pth").read_bytes())
    assert find(checkpoint) == named / "net.pth"
    (named / "net.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"named/net\.pth is not the published net\.pth"):
        find(checkpoint)


@pytest.mark.parametrize("below_model", [True, False])
def test_tensors_are_loaded_by_name(user_cache: Path, below_model: bool) -> None:
    state = {"features.0.weight": torch.full((2, 2), 0.25)}
    weights = load(_published(user_cache / "net.pth", {"model": state, "epoch": 20} if below_model else state))
    assert weights.keys() == state.keys()
    assert torch.equal(weights["features.0.weight"], torch.full((2, 2), 0.25))


def test_another_file_under_the_name_is_refused(user_cache: Path) -> None:
    checkpoint = _published(user_cache / "net.pth")
    (user_cache / "net.pth").write_bytes(b"something else")
    other = hashlib.sha256(b"something else").hexdigest()
    line = (
        f"{user_cache / 'net.pth'} is not the published net.pth: its sha256 is {other[:16]}..., not"
        f" {checkpoint.sha256[:16]}...; "
    )
    with pytest.raises(WeightsError) as error:
        load(checkpoint)
    assert str(error.value) == f"{line}replace it"
    with pytest.raises(WeightsError) as error:
        find(_checkpoint(checkpoint.sha256, "https://127.0.0.1/net.pth"))
    assert str(error.value) == f"{line}delete it and run 'photovst weights fetch net'"


def test_an_absent_file_is_downloaded_into_the_cache_and_told_of_once(
    tmp_path: Path,
    user_cache: Path,
    server: FileServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path / "named"))
    checkpoint = _checkpoint(server.sha256, server.url)
    assert present(checkpoint) is None
    assert find(checkpoint) == find(checkpoint) == present(checkpoint) == user_cache / "net.pth"
    assert (user_cache / "net.pth").read_bytes() == b"weights"
    assert caplog.messages == [f"downloading net.pth (3.9 MB, MIT) from {server.url}"]
    assert len(server.asked) == 1


def test_progress_replaces_the_line(server: FileServer, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[int, int | None]] = []
    find(_checkpoint(server.sha256, server.url), lambda done, total: told.append((done, total)))
    assert told == [(0, 7), (7, 7)]
    assert caplog.messages == []


def test_offline_all_one_needs_stands_in_the_line(
    tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path / "named"))
    url = "http://127.0.0.1:1/net.pth"
    with pytest.raises(WeightsError) as error:
        load(_checkpoint("0" * 64, url))
    assert str(error.value) == (
        f"net.pth (3.9 MB, MIT) is not in {tmp_path / 'named'} or {user_cache}, and its download failed: {url} cannot"
        f" be reached (Connection refused); once online run 'photovst weights fetch net', or get it from {url}, and put"
        " it there or name its folder in PHOTOVST_WEIGHTS"
    )
    assert caplog.messages == []  # no line about a download that never began


def test_a_file_without_an_address_is_named_with_its_origin(user_cache: Path) -> None:
    with pytest.raises(WeightsError) as error:
        find(VGG19_CONV3_1)
    assert str(error.value) == (
        f"vgg19_normalised_conv3_1.pth (2.2 MB, Apache-2.0) is not in {user_cache}, and no address is known for it; get"
        f" it from {VGG19_CONV3_1.origin}, and put it there or name its folder in PHOTOVST_WEIGHTS"
    )


def test_a_whole_hash_recorded_at_the_download_holds_from_then_on(user_cache: Path, server: FileServer) -> None:
    prefix = server.sha256[:2]
    checkpoint = _checkpoint(prefix, server.url)
    path = find(checkpoint)
    record = user_cache / "net.pth.sha256"
    assert record.read_text() == f"{server.sha256}  net.pth\n"
    assert verify(path, checkpoint) == server.sha256
    texts = (f"other {number}".encode() for number in itertools.count())
    other = next(text for text in texts if hashlib.sha256(text).hexdigest().startswith(prefix))
    path.write_bytes(other)
    with pytest.raises(WeightsError, match=rf"its sha256 is {prefix}.*, not {server.sha256[:16]}\.\.\.; delete it and"):
        find(checkpoint)
    record.unlink()  # as for a file put there by hand
    assert verify(path, checkpoint) == prefix


@pytest.mark.parametrize("text", ["", "no hash\n", "0" * 64 + "  net.pth\n"])
def test_a_record_of_another_file_is_refused(user_cache: Path, server: FileServer, text: str) -> None:
    checkpoint = _checkpoint(server.sha256[:8], server.url)
    find(checkpoint)
    (user_cache / "net.pth.sha256").write_text(text)
    with pytest.raises(WeightsError) as error:
        find(checkpoint)
    assert str(error.value) == (
        f"{user_cache / 'net.pth.sha256'} must begin with the sha256 of net.pth, which starts with {server.sha256[:8]},"
        f" but {text.split(' ')[0][:16]!r} was found; delete it"
    )


def test_without_a_published_hash_the_first_file_is_the_right_one(
    user_cache: Path, server: FileServer, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint, record = _checkpoint("", server.url), user_cache / "net.pth.sha256"
    line = f"no hash is published for net.pth: its own is recorded in {record}, and holds from now on"
    first = server.sha256
    path = find(checkpoint)
    assert record.read_text() == f"{first}  net.pth\n"
    assert caplog.messages[1:] == [line]
    find(checkpoint)
    assert verify(path, checkpoint) == first
    assert len(caplog.messages) == 2
    path.write_bytes(b"another")
    with pytest.raises(WeightsError) as error:
        find(checkpoint)
    other = hashlib.sha256(b"another").hexdigest()
    assert str(error.value) == (
        f"{path} is not the file it was when its hash was first recorded: its sha256 is {other[:16]}..., not"
        f" {first[:16]}...; delete it and run 'photovst weights fetch net'"
    )
    path.unlink()
    server.content = b"another"
    with pytest.raises(WeightsError, match=rf"not {first[:16]}\.\.\. as {record} has it; nothing was kept"):
        find(checkpoint)
    record.write_text("no hash\n")
    with pytest.raises(
        WeightsError, match=r"the sha256 of net\.pth, which has 64 digits, but 'no' was found; delete it"
    ):
        find(checkpoint)


def test_a_file_put_there_without_a_published_hash_is_recorded_when_it_is_first_used(
    user_cache: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, checkpoint = user_cache / "net.pth", _checkpoint("")
    path.write_bytes(b"by hand")
    record, whole = user_cache / "net.pth.sha256", hashlib.sha256(b"by hand").hexdigest()

    def full(path: Path, data: bytes) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(weight_files, "write_atomic", full)
        assert verify(path, checkpoint) == ""
    assert caplog.messages == [
        f"{path} is used unverified: no hash is published, and {record} cannot be written (Read-only file system)"
    ]
    caplog.clear()
    assert find(checkpoint) == path
    assert record.read_text() == f"{whole}  net.pth\n"
    assert caplog.messages == [
        f"no hash is published for net.pth: its own is recorded in {record}, and holds from now on"
    ]
    assert verify(path, checkpoint) == digest(path) == whole
    assert len(caplog.messages) == 1


def test_a_file_is_read_once_a_process_and_again_when_it_has_changed(
    user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, reads = _published(user_cache / "net.pth"), []
    file_digest = hashlib.file_digest
    monkeypatch.setattr(
        weight_files.hashlib, "file_digest", lambda stream, kind: reads.append(1) or file_digest(stream, kind)
    )
    find(checkpoint)
    find(checkpoint)
    assert len(reads) == 1
    (user_cache / "net.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError):
        find(checkpoint)
    assert len(reads) == 2


@pytest.mark.parametrize(("checkpoint", "builder"), [(VGG19, "VGG19_Weights"), (VGG16, "VGG16_Weights")])
def test_the_entries_of_torchvision_are_its_own(checkpoint: Checkpoint, builder: str) -> None:
    import_torchvision()
    from torchvision import models

    theirs = getattr(models, builder).IMAGENET1K_V1
    assert checkpoint.url == theirs.url
    assert checkpoint.megabytes == pytest.approx(theirs.meta["_file_size"] * 1.024**2, abs=1e-3)
    headers = checkpoint.megabytes - 4e-6 * theirs.meta["num_params"]  # float32: so its unit is 1024 x 1024 bytes
    assert 0 < headers < 0.01
    assert theirs.url.endswith(f"/{checkpoint.file}")


@pytest.mark.parametrize("checkpoint", CHECKPOINTS, ids=lambda checkpoint: checkpoint.name)
def test_an_entry_is_whole(checkpoint: Checkpoint) -> None:
    assert checkpoint_named(checkpoint.name) is checkpoint
    assert f"{{{checkpoint.citation}," in BIBLIOGRAPHY.read_text(encoding="utf-8")
    assert checkpoint.licence in ("BSD-3-Clause", "BSD-2-Clause", "CC-BY-4.0", "MIT", "Apache-2.0")
    if not checkpoint.sha256:
        assert checkpoint.hash_from == "recorded at the first use"
        # The one that has no https, and the one that publishes neither hash nor size.
        assert checkpoint.url.startswith("http://sceneparsing.csail.mit.edu/") or checkpoint is GHIASI2017
        return
    if len(checkpoint.sha256) == 64:
        assert re.fullmatch(r"[0-9a-f]{64}", checkpoint.sha256)
    else:
        assert re.search(r"-([0-9a-f]{8})\.pth$", checkpoint.file)[1] == checkpoint.sha256
        assert checkpoint.url is not None
    assert checkpoint.url is None or checkpoint.url.startswith("https://")


def test_names_and_files_are_told_apart() -> None:
    assert len({checkpoint.name for checkpoint in CHECKPOINTS}) == len(CHECKPOINTS)
    assert len({checkpoint.file for checkpoint in CHECKPOINTS}) == len(CHECKPOINTS)
    with pytest.raises(WeightsError, match=r"^no weights are called 'vgg91'; did you mean 'vgg19'\?$"):
        checkpoint_named("vgg91")


@pytest.mark.parametrize("checkpoint", [VGG19_CD16X, VGG19_CONV3_1], ids=lambda checkpoint: checkpoint.name)
def test_the_shared_checkpoints_are_the_published_ones(
    shared: Path, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    assert find(checkpoint).stat().st_size / 1e6 == pytest.approx(checkpoint.megabytes, abs=1e-3)
    first = {"vgg19_cd16x": "conv0.weight", "vgg19_conv3_1": "0.weight"}[checkpoint.name]
    assert load(checkpoint)[first].shape == (3, 3, 1, 1)
