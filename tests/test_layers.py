"""What the layer contracts in ``pyproject.toml`` mean at run time: the command line and the packages are light."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "photovst"
HEAVY = ("torch", "torchvision", "cv2", "av", "scenedetect", "scipy")
PACKAGES = sorted(f"photovst.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize(
    "imports",
    [["photovst.cli", "photovst.report", "photovst.run", "photovst.settings_io"], PACKAGES],
    ids=["command line, settings, run and report", "packages"],
)
def test_nothing_heavy_is_imported(imports: list[str]) -> None:
    program = f"import sys, {', '.join(imports)}; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""
