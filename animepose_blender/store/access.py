"""How registries are reached: a mirror in their place, a proxy before them, and how long to wait."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import AnimePoseError, ExitCode

MIRROR_VARIABLE = "ANIMEPOSE_MIRROR"
"""Environment variable with the address that replaces the registry's, for all who use this account."""


@dataclass(frozen=True)
class Access:
    """How registries are reached.

    Raises:
        AnimePoseError: if an address is none.
    """

    mirror: str = ""
    """Replaces the registry's endpoint; empty = by the environment, or the registry's own."""
    proxy: str = ""
    """Address of a proxy; empty = as the environment or the system says."""
    stall_s: float = 30.0
    """After so long without a byte a server counts as stalled."""
    tries: int = 5
    """How often in a row a transfer may fail without getting further."""
    pause_s: float = 1.0
    """Before the second try; doubled for each later one."""

    def __post_init__(self) -> None:
        for what, address in (("mirror", self.mirror), ("proxy", self.proxy)):
            if address and not _is_address(address):
                raise AnimePoseError(
                    f"{address!r} is no address of a {what}.", "Give one such as https://host:port/path.",
                    ExitCode.USAGE,
                )  # fmt: skip

    def endpoint(self, usual: str) -> str:
        """The address to ask instead of a registry's usual one, without a slash at its end.

        Raises:
            AnimePoseError: if the environment names something else than an address.
        """
        named = self.mirror or os.environ.get(MIRROR_VARIABLE, "")
        if named and not _is_address(named):
            raise AnimePoseError(
                f"{MIRROR_VARIABLE} is {named!r}, which is no address.", "Set it to one such as https://host/path."
            )
        return (named or usual).rstrip("/")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
