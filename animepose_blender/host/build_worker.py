"""The process that builds scenes: `python -m animepose_blender.host.build_worker`, or inside Blender as a command.

See `batch.build` for what goes in and comes out. What libraries and Blender print goes to the log, so that standard
output carries nothing but answers.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import BinaryIO

import bpy

from .. import __version__
from ..batch.build import Answer, Failed, Ready, Stage, decode_build, encode_answer
from ..errors import AnimePoseError, ExitCode
from .build import build


def serve(orders: BinaryIO, answers: BinaryIO) -> int:
    """Make what is ordered, line by line, until the orders end."""

    def send(answer: Answer) -> None:
        answers.write(encode_answer(answer).encode())
        answers.flush()

    send(Ready({"blender": bpy.app.version_string, "animepose": __version__}))
    for line in orders:
        try:
            send(build(decode_build(line.decode()), lambda name: send(Stage(name))))
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
    return serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    sys.exit(main())
