"""A process that fails where it imports a package that would make the command line slow to answer."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "torchvision", "cv2", "av", "scenedetect", "scipy", "matplotlib")


def run_light(statements: str, *arguments: str, without: tuple[str, ...] = HEAVY) -> subprocess.CompletedProcess[str]:
    """Runs Python statements, with ``arguments`` in ``sys.argv``; a line on stderr and exit code 1 if one comes in."""
    program = (
        f"import sys\n{statements}\n"
        f"heavy = set({without}) & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
