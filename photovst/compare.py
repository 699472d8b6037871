"""Several configs on one clip: each as any run, then all judged alike, in one table, contact sheet and plot."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from photovst.build import build_cache
from photovst.compare_pictures import contact_sheet, plots
from photovst.compare_settings import Member
from photovst.compare_table import Row, table
from photovst.config import SegmentationMethod, SegmentationSettings
from photovst.endings import out_of_memory
from photovst.errors import PhotovstError
from photovst.guidance.flow_folder import FlowFiles
from photovst.guidance.survey import Survey, survey
from photovst.judges.bench import build_look, judging_settings, own_judge
from photovst.judges.clip import CUT_THRESHOLD, Bench, judge_clip
from photovst.judges.figures import ClipFigures
from photovst.judges.frames import LONG
from photovst.judges.motion import JudgedMotion, content_motion
from photovst.judges.pictures import judges_here
from photovst.media.clip import open_clip
from photovst.media.images import encode_picture
from photovst.ops.resize import limit_long_side
from photovst.progress import Progress, json_bytes
from photovst.run import default_run_folder, read_records
from photovst.storage import write_atomic
from photovst.style_pictures import read_style
from photovst.stylize import is_finished, stylize_clip
from photovst.types import Size

SIZE = 320
"""Longer side members are judged at, in pixels; a smaller clip is judged as it is."""


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
        rows = []
        for member in list(done):
            try:
                rows.append(panel.member_row(member))
            except PhotovstError as error:
                done.remove(member)
                failures[member.name] = error
                on_failure(member.name, error)
        rows.insert(0, panel.input_row())
        text = table(rows)
        if panel.absent:
            text += f"\nNot judged by {' and '.join(panel.absent)}: no weights here; 'photovst weights' says how.\n"
        record = {**panel.record(), "rows": [row.record() for row in rows]}
        record["members"] = {each.name: {"config": str(each.config), "output": each.settings.output} for each in done}
        record["failures"] = {name: str(error) for name, error in failures.items()}
        clips = {"input": members[0].settings.content, **{each.name: each.settings.output for each in done}}
        sheet = contact_sheet(clips, read_style(members[0].settings.style), overview.count)
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
    """What all members are judged by, and the figures of the content, which the first of them brings."""

    content: str
    style: str
    bench: Bench
    absent: list[str]
    regions_from: str | dict[str, str]
    floor: list[ClipFigures]

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
        judges, absent = judges_here()
        settings = judging_settings([member.settings for member in members], masks)
        side = max(limit_long_side(of_clip, size))
        look = build_look(settings, overview, judges, side, None if masks is None else of_clip)
        motion = content_motion(build_cache(first))
        if flow is not None:
            motion = JudgedMotion(str(flow.folder), flow.between)
        bench = Bench(motion, overview, look, size)
        return cls(first.content, first.style, bench, absent, _origin(settings.segmentation), [])

    def input_row(self) -> Row:
        """The content's own row, which is the floor."""
        if not self.floor:
            self.floor.append(judge_clip(self.content, None, self.bench).floor)
        return Row("input", self.floor[0])

    def member_row(self, member: Member) -> Row:
        own = own_judge(member.settings)
        assert self.bench.look is not None
        look = dataclasses.replace(self.bench.look, not_for_result=frozenset(() if own is None else (own,)))
        judged = judge_clip(self.content, member.settings.output, dataclasses.replace(self.bench, look=look))
        self.floor[:] = [judged.floor]
        records = tuple(read_records(default_run_folder(member.settings.output)))
        return Row(member.name, judged.result, records)

    def record(self) -> dict[str, object]:
        """What everything was judged by, for the record."""
        assert self.bench.look is not None
        return {
            "content": self.content,
            "style": self.style,
            "long_side": self.bench.size,
            "judges": list(self.bench.look.judges),
            "regions": self.regions_from,
            "flow": "dis" if self.bench.motion.name.startswith("dis") else self.bench.motion.name,
            "cuts": [shot.first for shot in self.bench.overview.shots[1:]],
        }


def _origin(segmentation: SegmentationSettings) -> str | dict[str, str]:
    """Where regions are from, for the record."""
    if segmentation.method is not SegmentationMethod.files:
        return str(segmentation.method.value)
    paths = {"content": segmentation.content, "style": segmentation.style}
    return {name: path for name, path in paths.items() if path is not None}
