import hashlib
from pathlib import Path

import pytest
import torch

from photovst.errors import WeightsError
from photovst.models.weights import VGG19_CD16X, Checkpoint, find, folders, load


@pytest.fixture(autouse=True)
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache folder of the test's own, and no other folder."""
    monkeypatch.delenv("PHOTOVST_WEIGHTS", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda name: str(tmp_path / "user" / name))
    folder = tmp_path / "user" / "photovst" / "weights"
    folder.mkdir(parents=True)
    return folder


def _published(path: Path, value: float = 1.0) -> Checkpoint:
    torch.save({"model": {"conv0.weight": torch.full((2, 2), value)}, "epoch": 20}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Checkpoint(path.name, digest, 3.9, "MIT", "the authors' page")


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


def test_tensors_are_loaded_by_name(user_cache: Path) -> None:
    weights = load(_published(user_cache / "net.pth", 0.25))
    assert weights.keys() == {"conv0.weight"}
    assert torch.equal(weights["conv0.weight"], torch.full((2, 2), 0.25))


def test_another_file_under_the_name_is_refused(user_cache: Path) -> None:
    checkpoint = _published(user_cache / "net.pth")
    (user_cache / "net.pth").write_bytes(b"something else")
    with pytest.raises(WeightsError) as error:
        load(checkpoint)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"{user_cache / 'net.pth'} is not the published net.pth: its sha256 is ")
    assert hashlib.sha256(b"something else").hexdigest()[:16] in line
    assert checkpoint.sha256[:16] in line
    assert line.endswith("replace it")


def test_an_absent_file_is_named_with_all_one_needs_to_get_it(
    tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WeightsError) as error:
        load(VGG19_CD16X)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"vgg19_cd16x.pth (3.9 MB, MIT) is not in {user_cache}; get it from ")
    assert VGG19_CD16X.origin in line
    assert line.endswith("name its folder in PHOTOVST_WEIGHTS")
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(tmp_path / "named"))
    with pytest.raises(WeightsError, match=r"named or .*user"):
        find(VGG19_CD16X)


def test_the_shared_checkpoint_is_the_published_one(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOVST_WEIGHTS", str(shared / "weights"))
    path = find(VGG19_CD16X)
    assert path.stat().st_size / 1e6 == pytest.approx(VGG19_CD16X.megabytes, abs=0.3)
    assert load(VGG19_CD16X)["conv0.weight"].shape == (3, 3, 1, 1)
