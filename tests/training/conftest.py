from pathlib import Path

import pytest

from photovst.media.scenes import Scene
from photovst.training.array_store import ArrayStore
from photovst.training.painted_scenes import PaintedScenes, _painted


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> tuple[PaintedScenes, Scene]:
    """A small scene as it is kept, and itself: painting takes a second, so it is done once for both."""
    scenes = PaintedScenes(ArrayStore(tmp_path_factory.mktemp("scenes")), count=1, frames=7, size=(48, 48))
    first = scenes.scene(0)
    scenes.store.get(scenes._key(0), lambda: _painted(first))
    return scenes, first


@pytest.fixture
def scenes(painted: tuple[PaintedScenes, Scene]) -> PaintedScenes:
    return painted[0]


@pytest.fixture
def store(tmp_path: Path) -> ArrayStore:
    return ArrayStore(tmp_path / "kept")
