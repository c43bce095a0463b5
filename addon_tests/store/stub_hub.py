"""A registry of networks on loopback, which serves files as the real one does, and fails on demand."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from animepose_blender.store.record import RECORD, read_record

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "f" * 40


def safetensors(size: int = 300_000, fill: int = 1) -> bytes:
    """A file of weights with one tensor of so many bytes."""
    header = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    body = bytes((fill * 7 + 13 * place) % 251 for place in range(251)) * (size // 251 + 1)
    return struct.pack("<Q", len(header)) + header + body[:size]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    range: str
    host: str


@dataclass
class StubHub:
    """What a registry has, and how it misbehaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    """By `repository/path`."""
    commit: str = COMMIT
    large_from: int = 1000
    """Files of so many bytes are redirected to storage, with their hash in the redirect."""
    states: bool = True
    """Whether it states commit and hashes."""
    ranges: bool = True
    """Whether it knows how to send a part."""
    cuts: list[int] = field(default_factory=list)
    """For each coming answer of a large file, after how many bytes the connection is cut; -1 = not."""
    status: dict[str, int] = field(default_factory=dict)
    """Statuses instead of files, by path in the repository."""
    busy: int = 0
    """How many requests are answered with 503 first."""
    stalls: bool = False
    """Whether large files stop coming in the middle."""
    slow_s: float = 0.0
    """Pause after each 16 KiB of a large file."""
    redirect_to: str = ""
    """Where large files are redirected to, instead of here."""
    served: dict[str, bytes] = field(default_factory=dict)
    """What is really sent, by `repository/path`, where that is not what is stated."""
    asked: list[Asked] = field(default_factory=list)
    address: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def got(self, path: str, method: str = "GET") -> list[Asked]:
        """Requests for the bytes of a file."""
        return [asked for asked in self.asked if asked.method == method and asked.path.endswith(path)]


@contextlib.contextmanager
def serving(hub: StubHub) -> Iterator[StubHub]:
    """Serve while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.ended.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: StubHub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        hub = self.hub
        parts = urlsplit(self.path).path.strip("/").split("/")
        hub.asked.append(Asked(self.command, self.path, self.headers.get("Range", ""), self.headers.get("Host", "")))
        self.close_connection = True
        if hub.busy:
            hub.busy -= 1
            self._end(503)
            return
        if parts[0] == "storage":
            self._send("/".join(parts[1:]), body, linked=False)
            return
        if len(parts) < 5 or parts[2] != "resolve" or parts[3] not in ("main", hub.commit):
            self._end(404)
            return
        path = "/".join(parts[4:])
        name = f"{parts[0]}/{parts[1]}/{path}"
        if path in hub.status or name not in hub.files:
            self._end(hub.status.get(path, 404))
        elif len(hub.files[name]) >= hub.large_from:
            self.send_response(302)
            self._state(name, linked=True)
            self.send_header("Location", hub.redirect_to or f"/storage/{name}?signature=x%2Fy")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send(name, body, linked=True)

    def _state(self, name: str, linked: bool) -> None:
        if self.hub.states and linked:
            self.send_header("X-Repo-Commit", self.hub.commit)
            if len(self.hub.files[name]) >= self.hub.large_from:
                self.send_header("X-Linked-Etag", f'"{sha256(self.hub.files[name])}"')
                self.send_header("X-Linked-Size", str(len(self.hub.files[name])))

    def _send(self, name: str, body: bool, linked: bool) -> None:
        hub = self.hub
        data = hub.served.get(name, hub.files[name])
        start, wanted = 0, self.headers.get("Range", "")
        if wanted and hub.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self._end(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self._state(name, linked)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if body:
            self._stream(data[start:], large=not linked, stalls_at=len(data) // 2 - start)

    def _stream(self, data: bytes, large: bool, stalls_at: int) -> None:
        hub = self.hub
        cut = hub.cuts.pop(0) if large and hub.cuts else -1
        data = data if cut < 0 else data[:cut]
        with contextlib.suppress(OSError):
            for at in range(0, len(data), 16384):
                if large and hub.stalls and at >= stalls_at:
                    hub.ended.wait(30)
                    return
                self.wfile.write(data[at : at + 16384])
                if large and hub.slow_s:
                    time.sleep(hub.slow_s)

    def _end(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def proxying() -> Iterator[tuple[str, list[str]]]:
    """A proxy on loopback: its address, and the addresses that were asked for through it."""
    asked: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            parts = urlsplit(self.path)
            connection = http.client.HTTPConnection("127.0.0.1", parts.port)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(self.command, target, headers=dict(self.headers.items()))
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


CONFIG = json.dumps({"architectures": ["VitPoseForPoseEstimation"], "hidden_size": 4}).encode()


def pose_files(weights: bytes | None = None) -> dict[str, bytes]:
    """Files of a small network of poses."""
    return {
        "config.json": CONFIG,
        "preprocessor_config.json": b'{"size": {"height": 256, "width": 192}}',
        "model.safetensors": safetensors() if weights is None else weights,
    }


def write_catalogue(folder: Path, endpoint: str, *, pinned: bool = True, **changes: object) -> Path:
    """A catalogue with the network `tiny-pose`, and `tiny-depth`, which is not for commercial use.

    Args:
        changes: other values of `tiny-pose`: `revision`, and `files` as dict of bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.md").write_text("# Card\nMade of nothing.\n")
    files = changes.get("files") or pose_files()
    assert isinstance(files, dict)

    def table(id_: str, role: str, files: dict[str, bytes], commercial: bool) -> str:
        listed = ", ".join(
            f'{{ path = "{path}", size = {len(data) if pinned else 0}, sha256 = "{sha256(data) if pinned else ""}" }}'
            for path, data in files.items()
        )
        architecture = "VitPoseForPoseEstimation" if role == "pose" else "DepthAnythingForDepthEstimation"
        revision = changes.get("revision") or (COMMIT if pinned else "main")
        return f"""
[[model]]
id = "{id_}"
title = "Tiny {role}"
role = "{role}"
architecture = "{architecture}"
registry = "hub"
repository = "people/{id_}"
revision = "{revision}"
licence = "{"Apache-2.0" if commercial else "CC-BY-NC-4.0"}"
commercial = {str(commercial).lower()}
skeleton = "coco_17"
card = "card.md"
about_mb = 1
files = [{listed}]
"""

    text = f"""schema = 1
[registry.hub]
endpoint = "{endpoint}"
file = "{{endpoint}}/{{repository}}/resolve/{{revision}}/{{path}}"
page = "{{endpoint}}/{{repository}}"
"""
    text += table("tiny-pose", "pose", files, True) + table("tiny-depth", "depth", depth_files(), False)
    path = folder / "models.toml"
    path.write_text(text)
    return path


def depth_files() -> dict[str, bytes]:
    """Files of a small network of depths."""
    config = json.dumps({"architectures": ["DepthAnythingForDepthEstimation"]}).encode()
    return {"config.json": config, "model.safetensors": safetensors(5000, fill=2)}


def hub_with_both() -> StubHub:
    """A registry that has both networks of `write_catalogue`."""
    both = {"people/tiny-pose": pose_files(), "people/tiny-depth": depth_files()}
    return StubHub({f"{name}/{path}": data for name, files in both.items() for path, data in files.items()})


def hub_of(store: Path) -> StubHub:
    """A registry that has all networks of a store, as `people/ID`."""
    hub = StubHub()
    for record in map(read_record, _networks(store)):
        for file in record.files:
            hub.files[f"people/{record.id}/{file.path}"] = (store / record.id / file.path).read_bytes()
    return hub


def write_catalogue_of(store: Path, path: Path, endpoint: str, *, pinned: bool = True) -> Path:
    """A catalogue of all networks of a store, at the registry of `hub_of`."""
    lines = ["schema = 1", "[registry.hub]", f'endpoint = "{endpoint}"']
    lines += ['file = "{endpoint}/{repository}/resolve/{revision}/{path}"', 'page = "{endpoint}/{repository}"']
    for record in map(read_record, _networks(store)):
        values = {
            "id": record.id, "title": record.title, "role": record.role, "architecture": record.architecture,
            "registry": "hub", "repository": f"people/{record.id}", "revision": COMMIT if pinned else "main",
            "licence": record.licence, "commercial": record.commercial, "skeleton": record.skeleton,
        }  # fmt: skip
        lines += ["[[model]]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
        options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in record.options.items())
        files = ", ".join(
            f'{{ path = "{f.path}", size = {f.size * pinned}, sha256 = "{f.sha256 if pinned else ""}" }}'
            for f in record.files
        )
        lines += [f"options = {{ {options} }}", f"files = [{files}]"]
    path.write_text("\n".join(lines) + "\n")
    return path


def _networks(store: Path) -> list[Path]:
    return [folder for folder in sorted(store.iterdir()) if (folder / RECORD).is_file()]
