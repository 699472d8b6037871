import hashlib
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from bundle_writer import write_bundle
from magenta_weights import random_values
from small_runs import run

from photovst.errors import MediaError, WeightsError
from photovst.models.magenta import OPTIONS, arbitrary_from_magenta, places
from photovst.models.magenta_files import URL, checkpoint_at, import_magenta
from photovst.models.network_files import load_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one checkpoint of the whole network, ``model.ckpt``."""
    folder = tmp_path_factory.mktemp("checkpoint") / "arbitrary_style_transfer"
    folder.mkdir()
    arrays = {name: random_values(name, place.shape) for name, place in places().items()}
    write_bundle(folder / "model.ckpt", arrays)
    return folder


def _archive(path: Path, *members: tuple[Path, str]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=0) as archive:
        for source, name in members:
            archive.add(source, name)
    return path


def test_an_archive_becomes_a_network_of_the_published_numbers(folder: Path, tmp_path: Path) -> None:
    archive = _archive(tmp_path / "given.tar.gz", (folder, "arbitrary_style_transfer"))
    output = tmp_path / "it.safetensors"
    output.write_bytes(b"former")
    with pytest.raises(MediaError, match=r"it\.safetensors is there already; give another name, or pass --overwrite"):
        import_magenta(archive, output)
    assert output.read_bytes() == b"former"
    import_magenta(archive, output, overwrite=True)
    network = load_network(output)
    assert (network.kind, network.options, network.style) == ("arbitrary", dict(OPTIONS), None)
    assert network.about["sha256"] == f"given.tar.gz {hashlib.sha256(archive.read_bytes()).hexdigest()}"
    assert network.about["source"] == URL
    assert network.about["license"].startswith("Apache-2.0")
    state = network.module.state_dict()
    assert all(torch.equal(state[name], value) for name, value in arbitrary_from_magenta(folder / "model.ckpt").items())


def test_the_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "it.safetensors"
    assert run("weights", "import", str(folder), "-o", str(output)) == 0
    out, err = capsys.readouterr()
    assert out == f"{output}\n"
    files = [folder / f"model.ckpt.{part}" for part in ("data-00000-of-00001", "index")]
    sums = ", ".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    about, recorded = err.splitlines()
    assert "license: Apache-2.0" in about
    assert recorded.endswith(sums)
    assert run("weights", "import", str(tmp_path / "none"), "-o", str(output), "--overwrite") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("photovst: error: there is no checkpoint ")
    assert output.stat().st_size > 40_000_000


@pytest.mark.parametrize("name", ["", "model.ckpt", "model.ckpt.index", "model.ckpt.data-00000-of-00001"])
def test_a_checkpoint_by_its_folder_its_prefix_or_a_file_of_it(folder: Path, name: str) -> None:
    with checkpoint_at(folder / name) as prefix:
        assert prefix == folder / "model.ckpt"


def test_a_folder_above_it_goes_too_and_one_of_several_or_none_does_not(folder: Path, tmp_path: Path) -> None:
    with checkpoint_at(folder.parent) as prefix:
        assert prefix == folder / "model.ckpt"
    with pytest.raises(WeightsError, match=f"holds no checkpoint; {URL} does"), checkpoint_at(tmp_path):
        pass
    for name in ("one", "two"):
        write_bundle(tmp_path / name, {})
    with pytest.raises(WeightsError, match=r"holds several checkpoints \(one, two\)"), checkpoint_at(tmp_path):
        pass


def test_where_there_is_none_one_line_says_where_it_is_found(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=f"there is no checkpoint .*none; Magenta publishes it at {URL}: download it"
    ):
        import_magenta(tmp_path / "none", tmp_path / "it.safetensors")
    with pytest.raises(WeightsError, match=f"there is no checkpoint .*none.tar.gz; Magenta publishes it at {URL}"):
        import_magenta(tmp_path / "none.tar.gz", tmp_path / "it.safetensors")


def test_an_archive_that_is_cut_short_or_none(tmp_path: Path) -> None:
    values = write_bundle(tmp_path / "one", {"it": np.zeros(9999)}).with_name("one.data-00000-of-00001")
    whole = _archive(tmp_path / "whole.tar.gz", (values, values.name)).read_bytes()
    for content in (whole[: len(whole) // 2], b"no archive"):
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(content)
        with pytest.raises(WeightsError, match=r"cut\.tar\.gz is no whole archive .*; download it again from"):
            import_magenta(cut, tmp_path / "it.safetensors")


def test_what_an_archive_holds_goes_nowhere_but_into_a_folder_of_its_own(tmp_path: Path) -> None:
    write_bundle(tmp_path / "away", {})
    members = [(tmp_path / f"away.{part}", f"../../escaped.{part}") for part in ("index", "data-00000-of-00001")]
    archive = _archive(tmp_path / "it.tgz", *members)
    with checkpoint_at(archive) as prefix:
        assert prefix.name == "escaped"
        assert sorted(path.name for path in prefix.parent.iterdir()) == [
            f"escaped.{part}" for part in ("data-00000-of-00001", "index")
        ]
        kept = prefix.parent
    assert not kept.exists()


def test_a_name_that_is_no_networks(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"it\.pth is no name for a network; give one that ends in \.safetensors"):
        import_magenta(tmp_path, tmp_path / "it.pth")


def test_a_place_that_is_none_is_told_of_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"the folder .*absent does not exist; create it first"):
        import_magenta(tmp_path / "none", tmp_path / "absent" / "it.safetensors")


def test_a_damaged_network_is_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    output = tmp_path / "it.safetensors"
    output.write_bytes(b"")
    with pytest.raises(WeightsError, match="there is no checkpoint"):
        import_magenta(tmp_path / "none", output, overwrite=True)
