"""The one error type whose text is meant for the user, and the exit codes that go with it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit status of every command line and of the worker."""

    DONE = 0
    SOME_FAILED = 1
    """Some clips failed; the report says which and why."""
    USAGE = 2
    """The command line itself cannot be understood."""
    BAD_INPUT = 3
    """An input (clip, take, folder, environment) that cannot be used."""
    CANCELLED = 130


class AnimePoseError(Exception):
    """Something the user can act on.

    Args:
        message: what is wrong, in one sentence, naming what was expected and what came.
        remedy: what the user can do about it, in one sentence.
        exit_code: the status that a command line ends with.
    """

    def __init__(self, message: str, remedy: str = "", exit_code: ExitCode = ExitCode.BAD_INPUT) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class Cancelled(AnimePoseError):
    """The user asked the job to stop."""

    def __init__(self) -> None:
        super().__init__("Cancelled.", exit_code=ExitCode.CANCELLED)
