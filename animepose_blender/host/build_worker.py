"""The process that builds scenes: `python -m animepose_blender.host.build_worker`, or inside Blender as a command.

See `batch.build` for what goes in and comes out. What libraries and Blender print goes to the log, so that standard
output carries nothing but answers. When its parent is gone it ends at once, also amid a result, so that it does not
write into a folder that a later run has begun to write to.
"""

from __future__ import annotations

import os
import queue
import shutil
import sys
import threading
import traceback
from typing import BinaryIO

import bpy

from .. import __version__
from ..batch.build import Answer, Failed, Ready, Stage, decode_build, encode_answer
from ..errors import AnimePoseError, ExitCode
from .build import build
from .whole_files import remove_unfinished

_TEMPORARY = bpy.app.tempdir
"""Blender's own folder of this process, which it removes when it ends in order."""


class Orders:
    """The lines of a pipe, read by a thread, which thus sees its end also while a result is being made.

    Args:
        descriptor: of the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._busy = threading.Event()
        threading.Thread(target=self._read, args=(descriptor,), daemon=True).start()

    def __iter__(self) -> Orders:
        return self

    def __next__(self) -> str:
        self._busy.clear()
        line = self._lines.get()
        if line is None:
            raise StopIteration
        self._busy.set()
        return line

    def _read(self, descriptor: int) -> None:
        rest = b""
        while True:
            try:
                some = os.read(descriptor, 1 << 16)
            except OSError:  # closed from the start counts as ended
                some = b""
            if not some:
                break
            *lines, rest = (rest + some).split(b"\n")
            for line in lines:
                self._lines.put(line.decode("utf-8", errors="replace"))
        if self._busy.is_set():
            remove_unfinished()
            shutil.rmtree(_TEMPORARY, ignore_errors=True)
            os._exit(int(ExitCode.CANCELLED))
        self._lines.put(None)


def serve(orders: Orders, answers: BinaryIO) -> int:
    """Make what is ordered, line by line, until the orders end."""

    def send(answer: Answer) -> None:
        answers.write(encode_answer(answer).encode())
        answers.flush()

    send(Ready({"blender": bpy.app.version_string, "animepose": __version__}))
    for line in orders:
        try:
            send(build(decode_build(line), lambda name: send(Stage(name))))
        except AnimePoseError as error:
            send(Failed(error.message, error.remedy, int(error.exit_code)))
        except (BrokenPipeError, KeyboardInterrupt):
            break
        except Exception as error:  # noqa: BLE001 - one result must not stop the others; the log has the traceback
            traceback.print_exc(file=sys.stderr)
            send(Failed(f"Something unexpected went wrong: {error!r}.", "", int(ExitCode.SOME_FAILED)))
    return int(ExitCode.DONE)


def main() -> int:
    """Serve standard input, with standard output moved aside for the answers."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return serve(Orders(0), answers)


if __name__ == "__main__":
    sys.exit(main())
