"""One file of a network from a registry to the disk: goes on where it stopped, and is believed by its hash alone."""

from __future__ import annotations

import hashlib
import http.client
import os
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ..errors import AnimePoseError, Cancelled
from .access import Access
from .contents import CHUNK, LARGEST_TEXT
from .names import WEIGHTS
from .progress import Meter
from .record import ModelFile
from .transfer import Answer, Transfer, TransferFailed
from .troubles import CARRY_IN, may_pass, network_trouble

INCOMPLETE = ".incomplete"
"""Ends the name of a file that is not whole yet."""
RANGE_TOO_FAR = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


@dataclass(frozen=True)
class Wanted:
    """A file to fetch."""

    file: ModelFile
    """Size 0 and an empty hash where nobody has stated them."""
    model: str
    """Id of the network."""
    address: str
    commit: str
    """The revision it must be of; empty = any, and the first answer decides."""

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.file.path} of {self.model}"


def learn(wanted: Wanted, access: Access, cancelled: threading.Event) -> Answer | None:
    """What a registry states of a file, without fetching it; None if it has another way of doing things.

    Raises:
        Cancelled: if that was asked for.
        AnimePoseError: if it cannot be reached, or does not have the file as it should be.
    """
    tries = 0
    while True:
        with Transfer(wanted.address, access, cancelled, method="HEAD") as transfer:
            try:
                answer = transfer.answer()
            except TransferFailed as error:
                if 400 <= error.status < 500 and not error.not_there and error.status != 429:
                    return None  # it may know GET only
                tries += 1
                _wait_or_give_up(error, tries, wanted, access, cancelled)
                continue
        if answer is None:
            raise Cancelled
        _compare(answer, wanted)
        return answer


def download(wanted: Wanted, target: Path, access: Access, cancelled: threading.Event, meter: Meter) -> ModelFile:
    """Fetch a file.

    Args:
        wanted: with size and hash as far as they are known.
        target: where it goes; until it is whole it lies beside that.
        meter: counts bytes; at the beginning it stands at those of other files.
    Returns:
        The file as it is now, with its size and hash.
    Raises:
        Cancelled: if that was asked for; what has come stays for the next try.
        AnimePoseError: what is wrong and what the user can do.
        OSError: if it cannot be written.
    """
    return _Download(wanted, target, access, cancelled, meter).run()


class _TooMuch(AnimePoseError):
    """More bytes came than the file has."""


class _Download:
    """The requests for one file, until it is whole."""

    def __init__(self, wanted: Wanted, target: Path, access: Access, cancelled: threading.Event, meter: Meter) -> None:
        self._wanted, self._target, self._access = wanted, target, access
        self._cancelled, self._meter = cancelled, meter
        self._partial = target.with_name(target.name + INCOMPLETE)
        self._size, self._sha256 = wanted.file.size, wanted.file.sha256
        self._base = meter.done
        self._pieced = False
        """Whether what is there came in several pieces."""
        self._furthest = 0

    def run(self) -> ModelFile:
        tries, once_more = 0, True
        while True:
            try:
                found = self._once()
            except _TooMuch:
                self._start_over()
                raise
            except TransferFailed as error:
                if error.status == RANGE_TOO_FAR and self._partial.exists():
                    self._start_over()
                reached = self._here()
                tries = 1 if reached > self._furthest else tries + 1
                self._furthest = max(reached, self._furthest)
                _wait_or_give_up(error, tries, self._wanted, self._access, self._cancelled)
                continue
            if not self._sha256 or found == self._sha256:
                size = self._here()
                self._partial.replace(self._target)
                return ModelFile(self._wanted.file.path, size, found)
            self._start_over()
            if not (self._pieced and once_more):
                raise AnimePoseError(
                    f"{self._wanted.name} is not what it should be: sha256 {self._sha256} was expected, {found} came.",
                    f"Nothing of it is kept. Try another network or mirror; or {CARRY_IN}.",
                )
            self._pieced = once_more = False
            self._furthest = 0

    def _once(self) -> str:
        """One request; returns the hash of the whole file."""
        start = self._here() if self._sha256 else 0
        if self._size and start > self._size:
            self._start_over()
            start = 0
        self._meter.starts(self._wanted.file.path, self._base + start)
        digest = self._digest_of_beginning() if start else hashlib.sha256()
        if start and start == self._size:
            self._pieced = True
            return digest.hexdigest()
        with Transfer(self._wanted.address, self._access, self._cancelled, start) as transfer:
            answer = transfer.answer()
            if answer is None:
                raise Cancelled
            self._adopt(answer)
            if answer.start == start:
                self._pieced |= bool(start)
            elif answer.start == 0:  # it sends all of it again
                start, digest = 0, hashlib.sha256()
                self._meter.starts(self._wanted.file.path, self._base)
            else:
                raise _failed(f"byte {start} was asked for, and {answer.start} came")
            self._write(transfer, start, digest)
        return digest.hexdigest()

    def _digest_of_beginning(self) -> hashlib._Hash:
        digest = hashlib.sha256()
        with self._partial.open("rb") as file:
            while chunk := file.read(CHUNK):
                self._meter.check()
                digest.update(chunk)
        return digest

    def _write(self, transfer: Transfer, start: int, digest: hashlib._Hash) -> None:
        """Write what comes behind what is there."""
        with self._partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            at = start
            for chunk in transfer.chunks():
                at += len(chunk)
                self._require_size(at, ended=False)
                file.write(chunk)
                digest.update(chunk)
                self._meter.adds(len(chunk))
            file.flush()
            if self._cancelled.is_set():
                raise Cancelled
            self._require_size(at, ended=True)
            os.fsync(file.fileno())

    def _adopt(self, answer: Answer) -> None:
        """Hold the answer against what is known, and learn from it what is not."""
        _compare(answer, self._wanted)
        self._size = self._size or answer.size
        self._sha256 = self._sha256 or answer.sha256
        self._meter.total = max(self._meter.total, self._base + self._size)

    def _require_size(self, at: int, ended: bool) -> None:
        most = self._size or (0 if self._wanted.file.path.endswith(WEIGHTS) else LARGEST_TEXT)
        if most and at > most:
            raise _TooMuch(
                f"{self._wanted.name} is not what it should be: more than its {most} bytes came.",
                f"Nothing of it is kept. Try another network or mirror; or {CARRY_IN}.",
            )
        if ended and self._size and at < self._size:
            raise _failed(f"the connection was cut after {at} of {self._size} bytes")

    def _here(self) -> int:
        return self._partial.stat().st_size if self._partial.exists() else 0

    def _start_over(self) -> None:
        self._partial.unlink(missing_ok=True)


def _failed(why: str) -> TransferFailed:
    return TransferFailed(http.client.HTTPException(why))


def _compare(answer: Answer, wanted: Wanted) -> None:
    """Raises AnimePoseError if a registry offers something else than what is wanted."""
    for what, expected, came in (
        ("revision", wanted.commit, answer.commit),
        ("sha256", wanted.file.sha256, answer.sha256),
        ("number of bytes", wanted.file.size, answer.size),
    ):
        if expected and came and expected != came:
            raise AnimePoseError(
                f"{wanted.name} is not what it should be: {what} {expected} was expected, {came} is offered.",
                f"Update AnimePose, or check the mirror; or {CARRY_IN}.",
            )


def _wait_or_give_up(
    error: TransferFailed, tries: int, wanted: Wanted, access: Access, cancelled: threading.Event
) -> None:
    if tries >= access.tries or not may_pass(error):
        raise network_trouble(error, wanted.name, wanted.address) from error
    if cancelled.wait(access.pause_s * 2 ** (tries - 1)):
        raise Cancelled
