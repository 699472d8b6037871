"""A server of one file on this machine, with ranges, for tests of downloads; it can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """What is served, how, and what was asked for."""

    content: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    stop_after: int | None = None
    """Bytes after which the connection is closed, or stalls."""
    stalls: bool = False
    misplaced: int = 0
    """How far a range is beside the one asked for."""
    delay: float = 0.0
    port: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)
    """The headers of each request."""
    sent: int = 0
    end: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/net.pth"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@contextmanager
def serving(content: bytes) -> Iterator[FileServer]:
    """A server while the block lasts."""
    state = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(dict(self.headers))
            state.end.wait(state.delay)
            if not self.path.endswith("net.pth"):
                self.send_error(404)
                return
            start = self._start()
            if start > len(state.content) or (start and start == len(state.content)):
                self.send_error(416)
                return
            body = state.content[start:]
            self.send_response(206 if start else 200)
            if start:
                at = start + state.misplaced
                self.send_header("Content-Range", f"bytes {at}-{len(state.content) - 1}/{len(state.content)}")
            for name, value in (("ETag", state.etag), ("Last-Modified", state.modified)):
                if value:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            body = body[: state.stop_after]
            self.wfile.write(body)
            self.wfile.flush()
            state.sent += len(body)
            if state.stalls:
                state.end.wait()

        def _start(self) -> int:
            asked = self.headers.get("Range")
            if asked is None or self.headers.get("If-Range") not in (state.etag, state.modified):
                return 0
            return int(asked.removeprefix("bytes=").removesuffix("-"))

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.end.set()
            server.shutdown()
            thread.join()
