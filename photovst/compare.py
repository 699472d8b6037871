"""Several configs on one clip: each as any run, then all judged alike, in one table, contact sheet and plot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from photovst.build import build_cache
from photovst.build_regions import build_regions
from photovst.clip_judge import CUT_THRESHOLD, LONG, SIZE, Motion, content_motion, judge_clip
from photovst.compare_pictures import contact_sheet, plots
from photovst.compare_settings import Member
from photovst.compare_table import Row, table
from photovst.config import Compat, EncoderKind, SegmentationMethod, SegmentationSettings, Settings
from photovst.endings import out_of_memory
from photovst.errors import PhotovstError
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.regions import Regions
from photovst.guidance.survey import Survey, survey
from photovst.judge import Judges, judges_here
from photovst.media.clip import open_clip
from photovst.media.images import encode_picture, read_image
from photovst.media.shots import Shot
from photovst.media.tensors import to_frame
from photovst.progress import Progress, json_bytes
from photovst.run import default_run_folder, read_records
from photovst.storage import write_atomic
from photovst.stylize import is_finished, stylize_clip
from photovst.types import Size

RELATED = {
    EncoderKind.steerable: "steerable",
    EncoderKind.vgg19_cd16x: "vgg19_cd16x",
    EncoderKind.vgg19: "vgg19_conv3_1",
    EncoderKind.vgg19_caffe: "vgg19_conv3_1",
}
"""The judge that each encoder is, or is the first layers of: it does not judge what was optimized with it."""


def compare(
    members: Sequence[Member],
    folder: Path,
    *,
    flow: Path | None = None,
    masks: tuple[Path, Path] | None = None,
    size: int = SIZE,
    overwrite: bool = False,
    progress_for: Callable[[], Progress],
    on_failure: Callable[[str, Exception], None],
    unloaded: Mapping[str, Exception] | None = None,
) -> str:
    """Run every member, the finished ones left as they are, and judge all; gives the table as text.

    ``compare.md``, ``compare.json``, ``compare.jpg`` (contact sheet) and ``compare.png`` (plots) go into ``folder``. A
    member that fails is told of by ``on_failure``, and the others go on. A stopped member goes on where it stopped.

    Args:
        members: at least one, all of one content and photograph.
        folder: where; it is there.
        flow: folder of the content's motion in files; DIS flow of the content when not given.
        masks: mask files of content and photograph under which style is judged; `judging_settings` when not given.
        size: longer side to judge at, in pixels.
        overwrite: run finished members again.
        progress_for: a new progress for each step.
        on_failure: called with a member's name and what went wrong.
        unloaded: what went wrong before, with configs that are no members, for the record.

    Raises:
        PhotovstError: the content cannot be judged, or the flow or a mask is not there.
    """
    clip = open_clip(members[0].settings.content)
    overview = survey(clip, CUT_THRESHOLD)
    files = None if flow is None else FlowFiles(flow, clip.info.size, "paper")
    if files is not None:
        files.check(overview.pairs((1, LONG)))  # before hours of work
    panel = _Panel.of(members, clip.info.size, overview, files, masks, size)  # before hours of work, too
    done: list[Member] = []
    failures = dict(unloaded or {})
    for member in members:
        try:
            with progress_for() as progress:
                progress.note(f"{member.name}: {member.settings.output}")
                _run(member, overwrite, progress)
            done.append(member)
        except (PhotovstError, MemoryError, RuntimeError) as error:
            if not (isinstance(error, PhotovstError) or out_of_memory(error)):
                raise
            failures[member.name] = error
            on_failure(member.name, error)
    with progress_for() as progress:
        progress.stage("judge")
        rows = [panel.row("input", members[0].settings.content, frozenset())]
        for member in list(done):
            try:
                rows.append(panel.member_row(member))
            except PhotovstError as error:
                done.remove(member)
                failures[member.name] = error
                on_failure(member.name, error)
        text = table(rows)
        if panel.absent:
            text += f"\nNot judged by {' and '.join(panel.absent)}: no weights here; 'photovst weights' says how.\n"
        record = {**panel.record(), "rows": [row.record() for row in rows]}
        record["members"] = {each.name: {"config": str(each.config), "output": each.settings.output} for each in done}
        record["failures"] = {name: str(error) for name, error in failures.items()}
        clips = {"input": members[0].settings.content, **{each.name: each.settings.output for each in done}}
        sheet = contact_sheet(clips, read_image(members[0].settings.style), panel.overview.count)
        write_atomic(folder / "compare.json", json_bytes(record))
        write_atomic(folder / "compare.jpg", encode_picture(Path("compare.jpg"), sheet, None))
        write_atomic(folder / "compare.png", plots({row.name: row.figures for row in rows}))
        write_atomic(folder / "compare.md", text.encode(errors="backslashreplace"))
    return text


def _run(member: Member, overwrite: bool, progress: Progress) -> None:
    run_folder = default_run_folder(member.settings.output)
    if overwrite or not is_finished(member.settings, run_folder):
        stylize_clip(member.settings, run_folder=run_folder, overwrite=overwrite, progress=progress)


@dataclass(frozen=True)
class _Panel:
    """What all members are judged by: judges, regions, motion, and a first look at the content."""

    content: str
    style: str
    judges: Judges
    absent: list[str]
    regions: Regions
    regions_from: str | dict[str, str]
    motion: Motion
    motion_from: str
    overview: Survey
    photo: torch.Tensor
    size: int

    @classmethod
    def of(
        cls,
        members: Sequence[Member],
        of_clip: Size,
        overview: Survey,
        flow: FlowFiles | None,
        masks: tuple[Path, Path] | None,
        size: int,
    ) -> _Panel:
        first = members[0].settings
        photo = to_frame(read_image(first.style))
        judges, absent = judges_here()
        settings = judging_settings([member.settings for member in members], masks)
        samples = [to_frame(picture) for picture in overview.samples(Shot(0, overview.count))]
        return cls(
            content=first.content,
            style=first.style,
            judges=judges,
            absent=absent,
            regions=build_regions(settings, samples, photo, overview.count, None if masks is None else of_clip),
            regions_from=_origin(settings.segmentation),
            motion=content_motion(build_cache(first)) if flow is None else flow.between,
            motion_from="dis" if flow is None else str(flow.folder),
            overview=overview,
            photo=photo,
            size=size,
        )

    def row(self, name: str, clip: str, left_out: frozenset[str], run_folder: Path | None = None) -> Row:
        judges = {name: judge for name, judge in self.judges.items() if name not in left_out}
        figures = judge_clip(
            self.content,
            clip,
            self.photo,
            self.regions.of,
            self.regions.photo,
            judges,
            self.motion,
            self.size,
            self.overview,
        )
        return Row(name, figures, () if run_folder is None else tuple(read_records(run_folder)))

    def member_row(self, member: Member) -> Row:
        own = RELATED.get(member.settings.encoder.kind)
        left_out = frozenset() if own is None else frozenset((own,))
        return self.row(member.name, member.settings.output, left_out, default_run_folder(member.settings.output))

    def record(self) -> dict[str, object]:
        """What everything was judged by, for the record."""
        return {
            "content": self.content,
            "style": self.style,
            "long_side": self.size,
            "judges": list(self.judges),
            "regions": self.regions_from,
            "flow": self.motion_from,
            "cuts": [shot.first for shot in self.overview.shots[1:]],
        }


def judging_settings(members: Sequence[Settings], masks: tuple[Path, Path] | None = None) -> Settings:
    """Settings of the regions that all members are judged by.

    They are the mask files given, else those of the members where all have the same ones, else regions found anew,
    whoever the members are. What a member maps, weights or takes from other photographs does not count.
    """
    first = members[0].segmentation
    segmentation = SegmentationSettings()
    if masks is not None:
        content, style = map(str, masks)
        segmentation = SegmentationSettings(method=SegmentationMethod.files, content=content, style=style)
    elif all(
        (each.segmentation.method, each.segmentation.content, each.segmentation.style)
        == (SegmentationMethod.files, first.content, first.style)
        for each in members
    ):
        segmentation = SegmentationSettings(method=first.method, content=first.content, style=first.style)
    return dataclasses.replace(members[0], seed=0, compat=Compat.none, segmentation=segmentation)


def _origin(segmentation: SegmentationSettings) -> str | dict[str, str]:
    """Where regions are from, for the record."""
    if segmentation.method is not SegmentationMethod.files:
        return str(segmentation.method.value)
    paths = {"content": segmentation.content, "style": segmentation.style}
    return {name: path for name, path in paths.items() if path is not None}
