"""One request to a registry. A thread reads it, so that a cancel waits neither for a server nor for a name."""

from __future__ import annotations

import http.client
import queue
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from .access import Access

CHUNK = 1 << 18
"""Bytes that are read at most at a time."""
AHEAD = 16
"""Chunks that are read before anybody has asked for them."""
STEP_S = 0.05
"""How long a cancel may take to be noticed."""
AGENT = "animepose"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Refused(Exception):
    """A redirect to where nobody should go; its text says where to."""


class TransferFailed(Exception):
    """A transfer that did not come to its end.

    Args:
        cause: an `OSError` (TimeoutError also for a stalled server), `http.client.HTTPException` or `Refused`.
    """

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause

    @property
    def status(self) -> int:
        """What the server has answered, where that is what went wrong; else 0."""
        return self.cause.code if isinstance(self.cause, HTTPError) else 0

    @property
    def not_there(self) -> bool:
        """Whether the server has no such file."""
        return self.status in (404, 410)


@dataclass(frozen=True)
class Answer:
    """What a server says before it sends a file."""

    start: int
    """The first byte that it sends."""
    size: int
    """Bytes of the whole file; 0 = not said."""
    sha256: str
    """Of the whole file, where it is said."""
    commit: str
    """The revision that the file is of, where it is said."""


class Transfer:
    """One request; a context manager.

    Args:
        address: what to get.
        access: through which proxy, and how long to wait.
        cancelled: ends it.
        start: the first byte that is wanted; a server may send all the same, see `Answer.start`.
        method: GET, or HEAD to learn about the file only.
    """

    def __init__(
        self, address: str, access: Access, cancelled: threading.Event, start: int = 0, method: str = "GET"
    ) -> None:
        self.address = address
        self._access = access
        self._cancelled = cancelled
        self._abandoned = threading.Event()
        self._items: queue.Queue[Answer | bytes | Exception] = queue.Queue(AHEAD)
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        request = Request(address, headers=headers, method=method)
        threading.Thread(target=self._read, args=(request,), name="AnimePose transfer", daemon=True).start()

    def __enter__(self) -> Transfer:
        return self

    def __exit__(self, *_: object) -> None:
        self._abandoned.set()

    def answer(self) -> Answer | None:
        """What the server says first; None if that was cancelled.

        Raises:
            TransferFailed: if it says nothing, or no.
        """
        item = self._next()
        assert item is None or isinstance(item, Answer)
        return item

    def chunks(self) -> Iterator[bytes]:
        """The bytes, after the answer; they end early if that was cancelled, or if the server has ended early.

        Raises:
            TransferFailed: if the connection breaks.
        """
        while isinstance(item := self._next(), bytes) and item:
            yield item

    def _next(self) -> Answer | bytes | None:
        since = time.monotonic()
        while not self._cancelled.is_set():
            try:
                item = self._items.get(timeout=STEP_S)
            except queue.Empty:
                if time.monotonic() - since > self._access.stall_s:
                    raise TransferFailed(self._stalled()) from None
                continue
            if isinstance(item, Exception):
                raise TransferFailed(item) from item
            return item
        return None

    def _read(self, request: Request) -> None:
        try:
            hops: list[Message] = []
            try:
                response = _opener(self._access.proxy, hops).open(request, timeout=self._access.stall_s)
            except HTTPError as error:
                if not (request.get_method() == "HEAD" and hops and error.code < 400):
                    raise
                response = error  # the registry has said what there is to know, and would send us elsewhere
            with response:
                self._put(_answer(response, [*hops, response.headers]))
                while self._put(chunk := response.read1(CHUNK)) and chunk:
                    pass
        except Exception as error:  # noqa: BLE001 - raised again where the items are taken
            timed_out = isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)
            self._put(self._stalled() if timed_out else error)

    def _stalled(self) -> TimeoutError:
        return TimeoutError(f"no byte came for {self._access.stall_s:g} s")

    def _put(self, item: Answer | bytes | Exception) -> bool:
        while not self._abandoned.is_set():
            try:
                self._items.put(item, timeout=STEP_S)
            except queue.Full:
                continue
            return True
        return False


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to http(s) only, never from https to http, and keeps what each of them said."""

    max_redirections = 8

    def __init__(self, hops: list[Message]) -> None:
        self._hops = hops

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise Refused(f"{req.full_url} sends us on to {newurl}")
        self._hops.append(headers)
        if req.get_method() == "HEAD" and headers.get("X-Linked-Size"):
            return None  # signed addresses are often good for GET only
        return Request(newurl, headers=req.headers, method=req.get_method(), origin_req_host=req.origin_req_host)


def _opener(proxy: str, hops: list[Message]) -> OpenerDirector:
    """Knows http and https and nothing else: no files, no FTP, no data in addresses."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler({"http": proxy, "https": proxy} if proxy else None),
        HTTPHandler(),
        HTTPSHandler(context=ssl.create_default_context()),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
        _Redirects(hops),
    ):
        opener.add_handler(handler)
    return opener


def _answer(response: http.client.HTTPResponse | HTTPError, hops: list[Message]) -> Answer:
    """Read the headers of an answer and of the redirects before it.

    `X-Repo-Commit`, `X-Linked-Size` and `X-Linked-Etag` are what Hugging Face's registry and its mirrors state in the
    redirect: revision, bytes and sha256 of a large file.
    """

    def said(name: str) -> str:
        return next((value for hop in hops if (value := hop.get(name))), "")

    start, size = 0, _number(response.headers.get("Content-Length", ""))
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
        if match is None:
            raise http.client.HTTPException("a part was sent without saying which")
        start, size = int(match[1]), _number(match[2])
    linked = said("X-Linked-Etag").removeprefix("W/").strip('"').lower()
    return Answer(
        start,
        _number(said("X-Linked-Size")) or (0 if 300 <= (response.status or 0) < 400 else size),
        linked if _SHA256.fullmatch(linked) else "",
        said("X-Repo-Commit").lower(),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
