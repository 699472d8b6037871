"""What every test may ask for, and the shapes of signatures held against what is passed and returned."""

import os
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest

# The pictures of the tests are small: a second thread costs more than it brings. Set before torch is
# imported, and in the environment, for the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The seams (objective, solver, frame_optimizer) stay out: their protocols cannot be checked at runtime.
CHECKED = (
    *("ops", "metrics", "models", "guidance", "media.tensors", "media.flow_files"),
    *("media.kitti_flow", "media.certainty_files", "media.pfm_files"),
    *("losses.content", "losses.photorealism", "losses.smoothness", "losses.structure", "losses.style"),
    *("losses.temporal", "losses.coherence", "losses.two_frame", "optimize.bilateral_grid", "optimize.pixels"),
)
jaxtyping.install_import_hook([f"photovst.{name}" for name in CHECKED], "beartype.beartype")


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Shape checks off: for tests of what photovst itself says about shapes that do not fit."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips, pairs and weights beside the checkout; skips where it is absent."""
    folder = Path(__file__).resolve().parents[1].parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"no {folder}: tests on real clips and weights need it")
    return folder
