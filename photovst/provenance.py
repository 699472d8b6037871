"""Where a result comes from: hashes of inputs and code, versions, and the identity of a run. Torch-free."""

from __future__ import annotations

import glob
import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from photovst.errors import MediaError
from photovst.schema.printing import settings_dict

PACKAGES = (
    *("torch", "torchvision", "safetensors", "numpy", "scipy", "opencv-python-headless", "av"),
    *("omegaconf", "typer", "rich", "jinja2", "jaxtyping", "platformdirs", "matplotlib"),
)

NOT_IN_RESULT = ("content", "style", "pairs", "pair", "output", "device", "seed", "cache")
"""Settings with no say in the pixels, or whose say is taken as resolved (inputs, device, seed)."""


def identity(
    settings: Any, inputs: Mapping[str, str | Path], device: str, not_in_result: Sequence[str] = NOT_IN_RESULT
) -> dict[str, Any]:
    """What the result depends on, as JSON values: settings, input hashes, device and code version.

    Args:
        settings: a dataclass with a ``seed``; what is named in ``not_in_result`` or ``inputs`` is left out of it.
        inputs: dotted setting name to path (file, folder or glob), such as ``{"content": "clip.mp4"}``.
        device: the device in use ('cpu', 'cuda:0'), not 'auto'.
        not_in_result: names of settings or of sections.

    Raises:
        MediaError: an input does not exist.
    """
    flat = flatten(settings_dict(settings))
    left_out = (*not_in_result, *inputs)
    return {
        "photovst": code_version(),
        "device": device,
        "seed": settings.seed,
        "inputs": {name: {"path": str(path), "sha256": hash_input(path)} for name, path in inputs.items()},
        "settings": {n: v for n, v in flat.items() if not any(n == x or n.startswith(f"{x}.") for x in left_out)},
    }


def fingerprint(key: Mapping[str, Any]) -> str:
    """SHA-256 of an identity; where inputs lie does not count, only what they hold."""
    text = json.dumps(_without_paths(key), sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(former: Mapping[str, Any], key: Mapping[str, Any]) -> list[str]:
    """Names of what differs between two identities, sorted, such as 'inputs.content' or 'seed'."""
    same_names = {name: former[name] for name in key if name in former}
    a, b = flatten(_without_paths(same_names)), flatten(_without_paths(key))
    changed = {n for n in a.keys() | b.keys() if (n in a, a.get(n)) != (n in b, b.get(n))}
    changed = {"photovst's own code" if n.startswith("photovst.") else n for n in changed}
    return sorted(n.removeprefix("settings.") for n in changed)


def hash_input(path: str | Path) -> str:
    """SHA-256 of a file's bytes; of names and bytes, sorted by name, for a folder or a glob.

    What lies deeper in a folder, or is hidden, belongs to no clip: a run folder may lie there, and changes.

    Raises:
        MediaError: nothing is there.
    """
    place = Path(path)
    if place.is_file():
        return hash_files([("", place)])
    if place.is_dir():
        files = sorted(p for p in place.iterdir() if p.is_file() and not p.name.startswith("."))
    else:
        files = sorted(p for p in map(Path, glob.glob(str(path))) if p.is_file())
        if not files:
            raise MediaError(f"{path} does not exist, and as a pattern it matches no file")
    return hash_files((p.name, p) for p in files)


def hash_files(files: Iterable[tuple[str, Path]]) -> str:
    """SHA-256 over (name, bytes) pairs, read piece by piece; a nameless file adds its bytes alone."""
    digest = hashlib.sha256()
    for name, path in files:
        if name:
            # Lengths keep (name, bytes) pairs apart: no two listings share one stream of bytes.
            digest.update(f"{len(name.encode())} {name} {path.stat().st_size} ".encode())
        with path.open("rb") as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    return digest.hexdigest()


def code_version() -> dict[str, str]:
    """The package's version and the hash of its Python files: a code change must not silently mix frames."""
    package = Path(__file__).parent
    sources = sorted((p.relative_to(package).as_posix(), p) for p in package.rglob("*.py"))
    return {"version": importlib.metadata.version("photovst"), "sha256": hash_files(sources)}


def session(command: list[str]) -> dict[str, Any]:
    """When, where and how this process was started, and the versions it runs on."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _package_version(name) for name in PACKAGES},
    }


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names.

    >>> flatten({"a": {"b": 1}, "c": 2})
    {'a.b': 1, 'c': 2}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat.update(flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return flat


def _without_paths(key: Mapping[str, Any]) -> dict[str, Any]:
    return {**key, "inputs": {name: entry["sha256"] for name, entry in key["inputs"].items()}}


def _package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None  # such as opencv-python in place of its headless twin
