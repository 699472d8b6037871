"""One page of finished runs: found again, their clips made small enough to play side by side in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from photovst.errors import MediaError, SettingsError
from photovst.media.clip import open_clip
from photovst.media.previews import Preview, make_preview, stills
from photovst.media.publish import check_folder_of
from photovst.media.records import STILL_RATE
from photovst.progress import Progress
from photovst.report.groups import unique_names
from photovst.report.page import Footage, Screen, render, write_page
from photovst.report.subject import Subject, read_subject
from photovst.report_sources import ReportSource, find_source
from photovst.shown import LONG_SIDE, ShownFrame, spread

CLIP_BYTES = 9_000_000
"""Of all clips of a page together, before they are written in base64, which makes 4 bytes of 3."""

CLIP_LIMIT = 2_500_000
"""Of one of them."""

SECONDS, MOST_FRAMES = 12, 300
"""Of a clip, at most; longer ones are cut."""

SLOWEST, FASTEST = Fraction(1), Fraction(60)
"""Frames per second that previews are played at."""


def write_runs_report(runs: Sequence[Path], output: Path, *, overwrite: bool = False, progress: Progress) -> Path:
    """Write one page of finished runs, which needs no other file, and return its path.

    Args:
        runs: run folders, results that lie beside theirs, or evaluations of clips made elsewhere.
        output: the page.
        overwrite: replace a file of that name.
        progress: is told of the stages.

    Raises:
        SettingsError: a run is absent, not finished, given twice, or cannot be read.
        MediaError: a result is gone or has changed, or the page cannot be written there.
    """
    check_page(output, overwrite)
    progress.stage("runs")
    found = [find_source(run) for run in runs]
    _check_spared(output, found)
    places = [run.folder.resolve() for run in found]
    for place, run in zip(places, found, strict=True):
        if places.count(place) > 1:
            raise SettingsError(f"{run.folder} is given {places.count(place)} times; give each run once")
    names = unique_names([run.folder for run in found], [run.name for run in found])
    subjects = [
        _pictured(read_subject(run.folder, name, run.result, run.notes), run)
        for run, name in zip(found, names, strict=True)
    ]
    progress.stage("clips")
    footage = _footage(found, names, [subject.content for subject in subjects])
    progress.stage("page")
    write_page(output, render(subjects, footage=footage))
    return output


def check_page(output: Path, overwrite: bool) -> None:
    """Refuse a page that cannot be written, before any work is done for it.

    Raises:
        MediaError: its folder is absent or not writable, or it exists.
    """
    check_folder_of(output)
    if output.is_dir():
        raise MediaError(f"{output} is a folder; name a file, such as {output / 'report.html'}")
    if output.exists() and not overwrite:
        raise MediaError(f"{output} exists; choose another name, or pass --overwrite")


def _check_spared(output: Path, found: Sequence[ReportSource]) -> None:
    """Refuse to replace a clip that the page shows, or a record it is made from."""
    for run in found:
        for clip in (run.content, run.result):
            if output.exists() and clip is not None and clip.exists() and output.samefile(clip):
                raise MediaError(f"{output} is one of the clips to show; choose another name for the page")
        inside = output.resolve().parent == run.folder.resolve() and output.name != "report.html"
        if inside and output.exists():
            raise MediaError(f"{output} is a record of {run.folder}; choose another name for the page")


def _pictured(subject: Subject, source: ReportSource) -> Subject:
    """With frames of its clips where its folder holds none, as those of older runs and of evaluations do."""
    clips = [None if path is None else open_clip(path) for path in (source.content, source.result)]
    known = next((clip.info.frame_count for clip in clips if clip is not None), None)
    count = subject.evaluation.frames if subject.evaluation else known
    if subject.shown.frames or not count:
        return subject
    wanted = spread(count)
    content, result = ({} if clip is None else stills(clip, wanted, LONG_SIDE) for clip in clips)
    frames = tuple(ShownFrame(t, content.get(t), result.get(t)) for t in sorted({*content, *result}))
    return replace(subject, shown=replace(subject.shown, frames=frames))


def _footage(found: Sequence[ReportSource], names: Sequence[str], contents: Sequence[str]) -> dict[str, Footage]:
    """What plays of each clip and its results; nothing of stills, which the page's pictures show."""
    by_clip: dict[str, list[int]] = {}
    for place, run in enumerate(found):
        by_clip.setdefault(run.content_sha256, []).append(place)
    clips = sum(1 + len(places) for places in by_clip.values())
    limit = min(CLIP_LIMIT, CLIP_BYTES // clips)
    footage = {}
    for mark, places in by_clip.items():
        content = next((path for place in places if (path := found[place].content) is not None), None)
        named = [] if content is None else [(contents[places[0]], content)]
        results = [(place, path) for place in places if (path := found[place].result) is not None]
        named += [(names[place] if len(places) > 1 else path.name, path) for place, path in results]
        if named and (made := _played(named, limit)) is not None:
            footage[mark] = made
    return footage


def _played(named: Sequence[tuple[str, Path]], limit: int) -> Footage | None:
    """Clips with their names as copies of equal length, at the rate of the first; None where they do not move."""
    clips = [open_clip(path) for _, path in named]
    rate = min(max(clips[0].info.frame_rate or STILL_RATE, SLOWEST), FASTEST).limit_denominator(1001)
    most = max(2, min(MOST_FRAMES, int(SECONDS * rate)))
    previews = [make_preview(clip, rate, most, limit) for clip in clips]
    count = min(preview.frames for preview in previews)
    if count < 2:
        return None
    cut = [
        preview if preview.frames == count else make_preview(clip, rate, count, limit)
        for clip, preview in zip(clips, previews, strict=True)
    ]
    screens = tuple(Screen(name, preview.data) for (name, _), preview in zip(named, cut, strict=True))
    return Footage(screens, count, float(rate), _note(previews, count, rate))


def _note(previews: Sequence[Preview], count: int, rate: Fraction) -> str:
    """What is to be known of the copies."""
    told = f"{count} frames at {float(rate):.4g} frames a second"
    if all(preview.complete for preview in previews):
        said = [f"Small copies: {told}."]
        if len({preview.frames for preview in previews}) > 1:
            said.append("The clips differ in length; longer ones are cut to the shortest.")
    else:
        said = [f"Small copies of an excerpt: the first {told}."]
    if not all(preview.even for preview in previews):
        said.append("Frames that last for different times in the clip all last equally long here.")
    return " ".join(said)
