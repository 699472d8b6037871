"""What training data needs before the first step: scenes painted once, and a word on what a dataset lacks."""

from __future__ import annotations

from photovst.progress import Progress
from photovst.training.flow_datasets import FlowPairs
from photovst.training.many_styles import ManyStyles
from photovst.training.mixture import Mixture
from photovst.training.painted_scenes import PaintedScenes
from photovst.training.procedural import Procedural
from photovst.training.still_motion import StillMotion
from photovst.training.still_pictures import SceneFrames


def prepare(data: Mixture | ManyStyles, processes: int, progress: Progress) -> None:
    """Paint the scenes of the data that are not kept yet, and tell where a dataset does not reach far enough.

    Args:
        data: of the training.
        processes: that paint.
        progress: is told.

    Raises:
        MediaError: a scene cannot be kept.
    """
    scenes: list[PaintedScenes] = []
    if isinstance(data, ManyStyles):
        scenes += [styles.scenes for styles in data.styles if isinstance(styles, SceneFrames)]
        data = data.samples
    for source in data.sources:
        if isinstance(source, FlowPairs) and source.lacking:
            progress.warn(f"{source.lacking}; what has none is not trained on")
        if isinstance(source, FlowPairs) and (note := source.note(data.distances)):
            progress.note(f"{note}; the others take the farthest frame they have")
        if isinstance(source, Procedural):
            scenes.append(source.scenes)
        if isinstance(source, StillMotion) and isinstance(source.pictures, SceneFrames):
            scenes.append(source.pictures.scenes)
    for each in dict.fromkeys(scenes):
        if missing := each.missing():
            progress.stage("scenes")
            progress.note(f"painting {len(missing)} procedural scenes, once")
            each.paint(processes=processes)
