"""What the layer contracts in ``pyproject.toml`` mean at run time: the command line and the packages are light."""

from pathlib import Path

import pytest
from light_imports import run_light

PACKAGE = Path(__file__).resolve().parents[1] / "photovst"
PACKAGES = sorted(f"photovst.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py"))


@pytest.mark.parametrize(
    "imports",
    [["photovst.cli", "photovst.report", "photovst.run", "photovst.settings_io"], PACKAGES],
    ids=["command line, settings, run and report", "packages"],
)
def test_nothing_heavy_is_imported(imports: list[str]) -> None:
    done = run_light(f"import {', '.join(imports)}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
