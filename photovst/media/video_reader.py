"""Video files, decoded as a stream of RGB frames with exact times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.sidedata.sidedata import SideData, Type as SideDataType
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from photovst.errors import MediaError
from photovst.media.color import in_layout, to_rgb
from photovst.media.color_tags import bit_depth, has_alpha, resolve_tags, said
from photovst.media.orientation import Orientation, orientation_of
from photovst.media.records import SMALLEST_SIDE, Clip, ClipInfo, DamageTally, Frame, logger, thumbnail_size
from photovst.media.timestamps import FrameClock, frame_step
from photovst.types import Size

# FFmpeg's own VP8 and VP9 decoders leave out the alpha that WebM keeps beside each block; libvpx reads it.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}

_CLOCK_STARTS_ANYWHERE = 0x0200  # FFmpeg's AVFMT_TS_DISCONT


def open_container(path: Path) -> InputContainer:
    """A media file opened for reading; playlists that point elsewhere are not followed.

    Raises:
        MediaError: the file is absent, empty, may not be read, or is no media file.
    """
    try:
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty (0 bytes); give a file that holds a clip")
        return av.open(f"file:{path}", "r", metadata_errors="replace", container_options={"protocol_whitelist": "file"})
    except FileNotFoundError as error:
        raise MediaError(f"{path} does not exist; check the path") from error
    except PermissionError as error:
        raise MediaError(f"{path} may not be read; change its permissions") from error
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} cannot be read as a video ({reason(error)}); is it complete, and a video?") from error


def reason(error: Exception) -> str:
    """The bare cause of an FFmpeg or system error, without code and file name."""
    return str(getattr(error, "strerror", None) or error)


def open_video(path: Path) -> Clip:
    """A video file as a clip; its first frame is decoded to learn what the header does not say.

    Raises:
        MediaError: it holds no video, no decodable frame, or frames below the smallest size.
    """
    with closing(open_container(path)) as container:
        stream = _video_stream(container, path)
        first = next(_decoded(container, stream, DamageTally()), None)
        if first is None:
            raise MediaError(f"{path} has a video stream, but no frame of it could be decoded; is the file complete?")
        orientation = _orientation(first, path)
        info = _describe(container, stream, first, orientation, path)
        if first.interlaced_frame or stream.codec_context.field_order > 1:
            logger.warning("%s is interlaced; its fields are treated as whole frames (deinterlace it first)", path)
    stored = (first.height, first.width)
    return Clip(path, info, partial(_decode, path, info, stored, orientation))


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    covers = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [s for s in container.streams.video if not s.disposition & covers]
    if not streams:
        found = ", ".join(sorted({s.type for s in container.streams})) or "no streams"
        raise MediaError(f"{path} holds no video (found: {found}); give a clip with pictures")
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError(f"{path}: no decoder for its video codec; convert the clip to H.264 first")
    return stream


def _decoder(stream: VideoStream) -> VideoCodecContext:
    name = _ALPHA_DECODERS.get(stream.codec_context.name)
    flags = {key.lower(): value for key, value in stream.metadata.items()}
    if name and flags.get("alpha_mode") == "1":
        decoder = cast(VideoCodecContext, CodecContext.create(name, "r"))
        decoder.extradata = stream.codec_context.extradata
    else:
        decoder = stream.codec_context
    decoder.thread_type = "AUTO"
    return decoder


def _decoded(container: InputContainer, stream: VideoStream, tally: DamageTally) -> Iterator[av.VideoFrame]:
    decoder = _decoder(stream)
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except av.FFmpegError as error:
            tally.stopped = reason(error)
            return
        if packet is None:
            return
        tally.unshown += packet.is_discard
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            tally.undecodable += 1
            continue
        for frame in frames:
            tally.concealed += frame.is_corrupt
            yield frame


def _decode(
    path: Path,
    info: ClipInfo,
    stored: Size,
    orientation: Orientation,
    longest: int | None,
    tally: DamageTally,
) -> Iterator[Frame]:
    sws = VideoReformatter()
    size = stored if longest is None else thumbnail_size(stored, longest)

    def delivered(index: int, raw: av.VideoFrame, tick: int, duration: int) -> Frame:
        image, alpha = to_rgb(raw, info.color, size, sws, thumbnail=longest is not None)
        return Frame(
            index,
            orientation.apply(image),
            tick * info.time_base - info.origin,
            None if alpha is None else orientation.apply(alpha),
            duration * info.time_base,
        )

    with closing(open_container(path)) as container:
        stream = _video_stream(container, path)
        clock = FrameClock(frame_step(info.frame_rate, info.time_base), stream.start_time or 0)
        # A frame's duration is known once its successor is there.
        held: tuple[av.VideoFrame, int] | None = None
        index, changed = -1, False
        for frame in _decoded(container, stream, tally):
            tick = clock.tick(frame.pts)
            if held is not None:
                index += 1
                yield delivered(index, *held, tick - held[1])
            if (frame.height, frame.width, frame.format.name) != (*stored, info.pixel_format):
                if not changed:
                    logger.warning("%s: frames change size or format; all are brought to the first one's", path)
                changed = True
                frame = in_layout(frame, stored, info.pixel_format, sws)
            held = frame, tick
        tally.retimed = clock.filled
        if held is None:
            return
        index += 1
        tally.missing = _missing(stream, info, tally, index + 1, clock)
        yield delivered(index, *held, _last_duration(stream, *held, clock.step, bool(tally.damage().count)))


def _missing(stream: VideoStream, info: ClipInfo, tally: DamageTally, frames: int, clock: FrameClock) -> int:
    """Frames the file announces and does not hold, as far as its container says."""
    if stream.frames and "mp4" in stream.container.format.name:
        # The index holds what edit lists left over; frames before an edit are read but not shown.
        return max(0, len(stream.index_entries) - tally.unshown - tally.undecodable - frames)
    announced = _tagged_duration(stream)
    if announced is None or info.frame_rate is None or clock.last is None:
        return 0
    rest = announced - clock.last * info.time_base
    # The last frame may stand for as long as any before it; beyond that, frames are gone.
    return max(0, round(rest * info.frame_rate) - 1) if rest > 2 * clock.longest * info.time_base else 0


def _last_duration(stream: VideoStream, frame: av.VideoFrame, tick: int, step: int, damaged: bool) -> int:
    """How long the last frame stands, in ticks.

    With B-frames the last packet's duration belongs to another frame, so the end of the stream decides then.
    """
    if stream.codec_context.has_b_frames and stream.duration and not damaged:
        rest = (stream.start_time or 0) + stream.duration - tick
        if rest > 0:
            return rest
    return frame.duration or step


def _orientation(frame: av.VideoFrame, path: Path) -> Orientation:
    attached = cast(Iterable[SideData], frame.side_data)
    matrix = next((bytes(data) for data in attached if data.type is SideDataType.DISPLAYMATRIX), None)
    found = Orientation() if matrix is None else orientation_of(matrix)
    if found is None:
        logger.warning("%s asks for a rotation that is no quarter turn; it is shown as stored", path)
        return Orientation()
    return found


def _describe(
    container: InputContainer, stream: VideoStream, first: av.VideoFrame, orientation: Orientation, path: Path
) -> ClipInfo:
    size = orientation.size((first.height, first.width))
    if min(size) < SMALLEST_SIDE:
        raise MediaError(f"{path} is {size[1]}x{size[0]} pixels; the shorter side needs at least {SMALLEST_SIDE}")
    name, context = first.format.name, stream.codec_context
    tags = (
        said(first.colorspace, context.colorspace),
        said(first.color_primaries, context.color_primaries),
        said(first.color_trc, context.color_trc),
    )
    time_base = first.time_base or stream.time_base
    if time_base is None:
        raise MediaError(f"{path}: its video stream has no time base; remux it into mp4 or mkv first")
    rate = stream.average_rate or stream.guessed_rate or None
    duration = _duration(container, stream)
    count = stream.frames or (round(duration * rate) if duration and rate else None)
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return ClipInfo(
        size=size,
        kind="video",
        frame_rate=rate,
        frame_count=count or None,
        duration=duration,
        pixel_format=name,
        bit_depth=bit_depth(name),
        has_alpha=has_alpha(name),
        has_audio=bool(container.streams.audio),
        color=resolve_tags(name, first.color_range or context.color_range, tags, first.height, path),
        time_base=time_base,
        sample_aspect=1 / aspect if orientation.transpose else aspect,
        origin=_origin(container),
    )


def _duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    return _tagged_duration(stream) or (Fraction(container.duration, av.time_base) if container.duration else None)


def _tagged_duration(stream: VideoStream) -> Fraction | None:
    """Matroska's DURATION tag, such as ``00:00:05.000000000``, which holds for the one stream."""
    parts = stream.metadata.get("DURATION", "").split(":")
    if len(parts) != 3:
        return None
    try:
        hours, minutes, seconds = (Fraction(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds or None


def _origin(container: InputContainer) -> Fraction:
    """Where the clock of a transport stream starts; other containers have a zero of their own."""
    if not container.format.flags & _CLOCK_STARTS_ANYWHERE:
        return Fraction(0)
    starts = [
        s.start_time * s.time_base
        for s in container.streams
        if s.type in ("audio", "video") and s.start_time is not None and s.time_base
    ]
    return min(starts, default=Fraction(0))
