"""From the published checkpoint of [Ghiasi2017], as it is downloaded, to a file of a trained network of photovst's."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from photovst.errors import MediaError, WeightsError
from photovst.models.checkpoints import GHIASI2017
from photovst.models.magenta import OPTIONS, arbitrary_from_magenta
from photovst.models.network_files import SUFFIX, TrainedNetwork, save_network
from photovst.models.networks import build_network
from photovst.models.weight_files import digest

URL = str(GHIASI2017.url)

ABOUT = {
    "name": "Ghiasi et al. 2017, from a checkpoint of Magenta's program",
    "citation": GHIASI2017.citation,
    "license": f"{GHIASI2017.licence}, that of Magenta's repository; none is stated for the weights apart",
    "source": URL,
    "data": "content: ImageNet; styles: Painter by Numbers and the Describable Textures Dataset",
}
ARCHIVES = (".tar.gz", ".tgz", ".tar")
PART = re.compile(r"\.index$|\.data-\d{5}-of-\d{5}$")


def import_magenta(checkpoint: Path, output: Path, *, overwrite: bool = False) -> TrainedNetwork:
    """Write a checkpoint as a trained network, in float32: the published numbers, unrounded.

    The sha256 of what was given is kept in ``about``, since none is published to hold it against.

    Args:
        checkpoint: its path without ``.index``, one of its files, a folder that holds it, or the archive as downloaded.
        output: ends in ``.safetensors``.
        overwrite: replace a file that is there.

    Raises:
        WeightsError: there is no such checkpoint, or it is not that of this network; what is missing, extra or of
            another shape is named.
        MediaError: the output is there already, is no ``.safetensors``, its folder is absent, or it cannot be written.
    """
    if output.suffix.lower() != SUFFIX:
        raise MediaError(f"{output} is no name for a network; give one that ends in {SUFFIX}")
    if output.exists() and not overwrite:
        raise MediaError(f"{output} is there already; give another name, or pass --overwrite")
    if not output.absolute().parent.is_dir():
        raise MediaError(
            f"cannot write {output}: the folder {output.absolute().parent} does not exist; create it first"
        )
    with checkpoint_at(checkpoint) as prefix:
        state = arbitrary_from_magenta(prefix)
        hashed = [checkpoint] if _is_archive(checkpoint) else _files(prefix)
        sums = ", ".join(f"{path.name} {digest(path)}" for path in hashed)
    module = build_network("arbitrary", OPTIONS)
    module.load_state_dict(state)
    network = TrainedNetwork(module.eval(), "arbitrary", dict(OPTIONS), None, ABOUT | {"sha256": sums})
    save_network(output, network, torch.float32)
    return network


@contextmanager
def checkpoint_at(path: Path) -> Iterator[Path]:
    """The prefix of the one checkpoint that a path means, for as long as the block lasts.

    Raises:
        WeightsError: there is none there, or more than one, or the archive cannot be read.
    """
    if not path.is_file() or not _is_archive(path):
        yield _prefix(path)
        return
    with tempfile.TemporaryDirectory(prefix="photovst-") as folder:
        try:
            with tarfile.open(path) as archive:
                for member in archive:
                    # By its last name only: a member may not choose its folder.
                    if member.isfile() and PART.search(member.name) and (content := archive.extractfile(member)):
                        with content, (Path(folder) / Path(member.name).name).open("xb") as copy:
                            shutil.copyfileobj(content, copy)
        except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
            reason = str(error).partition(":")[0]  # tarfile lists every compression it tried, a line each
            raise WeightsError(f"{path} is no whole archive ({reason}); download it again from {URL}") from error
        yield _only(path, [Path(folder) / _without_part(each) for each in Path(folder).iterdir()])


def _prefix(path: Path) -> Path:
    if path.is_dir():
        return _only(path, [each.with_name(_without_part(each)) for each in path.rglob("*.index")])
    prefix = path.with_name(_without_part(path))
    if not _files(prefix) and not path.is_file():
        raise WeightsError(
            f"there is no checkpoint {path}; Magenta publishes it at {URL}: download it, and give its path"
        )
    return prefix


def _only(path: Path, prefixes: list[Path]) -> Path:
    different = sorted(set(prefixes))
    if len(different) != 1:
        names = ", ".join(_shown(each, path) for each in different)
        what = (
            f"holds several checkpoints ({names}); give the path of one"
            if different
            else f"holds no checkpoint; {URL} does"
        )
        raise WeightsError(f"{path} {what}")
    return different[0]


def _shown(prefix: Path, above: Path) -> str:
    return str(prefix.relative_to(above)) if prefix.is_relative_to(above) else prefix.name


def _files(prefix: Path) -> list[Path]:
    """The files of a checkpoint, its index behind its values."""
    return sorted(
        each for each in prefix.parent.glob("*") if PART.search(each.name) and _without_part(each) == prefix.name
    )


def _without_part(path: Path) -> str:
    return PART.sub("", path.name)


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES)
