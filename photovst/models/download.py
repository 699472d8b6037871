"""One file over HTTP: whole and verified under its name, or not there at all; one that was cut is resumed."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import logging
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from pathlib import Path

from photovst.errors import WeightsError
from photovst.storage import write_atomic

Progress = Callable[[int, int | None], None]
"""``progress(done, total)`` in bytes, first when the server has answered; ``total`` is None where it does not say."""

CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds without a byte after which a connection is given up."""

logger = logging.getLogger(__name__)


def download(url: str, path: Path, sha256: str, progress: Progress | None = None) -> None:
    """Get a file, unless another process has brought it meanwhile.

    It grows under its name with ``.part`` behind it, where a later call goes on if the server still has the same file,
    and gets its own name once its hash is right. Its whole hash is recorded beside it, in FILE.sha256, in the format of
    sha256sum.

    Args:
        url: where it is, http or https.
        path: where it goes; its folder is made.
        sha256: its hash, or the first digits of it; none takes what comes.
        progress: told of bytes as they come.

    Raises:
        WeightsError: the server cannot be reached, refuses, stops early, or gives another file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if path.is_file():
            return
        partial = path.with_name(f"{path.name}.part")
        digest = _receive(url, partial, progress)
        if not digest.startswith(sha256):
            _drop(partial)
            record = record_beside(path)
            source = f" as {record} has it" if record.is_file() else ""
            raise WeightsError(
                f"{url} gives another file: its sha256 is {digest[:16]}..., not {sha256[:16]}...{source};"
                " nothing was kept"
            )
        write_atomic(record_beside(path), f"{digest}  {path.name}\n".encode())
        partial.replace(path)
        _drop(partial)


def record_beside(path: Path) -> Path:
    """Where the whole hash of a downloaded file stands."""
    return path.with_name(f"{path.name}.sha256")


def _receive(url: str, partial: Path, progress: Progress | None) -> str:
    """Get the rest of a partial file, or all of it, and hash the whole."""
    validator = _validator_of(partial)
    resumable = partial.is_file() and validator.is_file()
    headers = {"User-Agent": "photovst"}
    if resumable:
        headers |= {"Range": f"bytes={partial.stat().st_size}-", "If-Range": validator.read_text(encoding="latin-1")}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if resumable and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            _drop(partial)  # it has all the bytes, or more than there are: which, only a new start can tell
            return _receive(url, partial, progress)
        raise WeightsError(f"{url} answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(f"{url} cannot be reached ({_why(error)})") from error
    with response:
        return _append(response, partial, progress)


def _append(response: http.client.HTTPResponse, partial: Path, progress: Progress | None) -> str:
    resumes = response.status == http.HTTPStatus.PARTIAL_CONTENT
    if not resumes:
        partial.write_bytes(b"")
        _keep_validator(response.headers, _validator_of(partial))
    with partial.open("r+b") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        done = stream.tell()
        if resumes and not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise WeightsError(f"{response.url} sends another part than the one asked for")
        length = response.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        if progress:
            progress(done, total)
        for chunk in _chunks(response):
            stream.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and done != total:
        raise _cut(response, f"after {done} of {total} bytes")
    return digest.hexdigest()


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    # Only reading is tried here: what goes wrong while writing is the disk's, not the network's.
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _cut(response, f"({_why(error)})") from error
        if not chunk:
            return
        yield chunk


def _cut(response: http.client.HTTPResponse, how: str) -> WeightsError:
    return WeightsError(f"{response.url} was cut off {how}; what came is kept, and the same command goes on from there")


def _keep_validator(headers: Message, validator: Path) -> None:
    """Note which version of the file this is, for If-Range, which takes no weak ETag."""
    tag = headers.get("ETag", "")
    version = tag if tag.startswith('"') else headers.get("Last-Modified")
    if version:
        validator.write_text(version, encoding="latin-1")
    else:
        validator.unlink(missing_ok=True)


def _validator_of(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.version")


def _drop(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _validator_of(partial).unlink(missing_ok=True)


def _why(error: BaseException) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__).strip()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process downloads this file meanwhile."""
    name = path.with_name(f".{path.name}.lock")
    with name.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.warning("another process downloads %s; waiting for it", path.name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        # Only now that the file is there: who waits for the lock under its old name finds the file, and is done.
        name.unlink(missing_ok=True)
