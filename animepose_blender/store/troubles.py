"""What went wrong on the way to a registry or to the disk, in words, and whether trying again may help."""

from __future__ import annotations

import errno
import shutil
import socket
import ssl
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ..errors import AnimePoseError
from .lock import cannot_write
from .transfer import Refused, TransferFailed

CARRY_IN = "a folder or zip from another machine can be imported instead (`animepose models import`)"
_LATER = frozenset((408, 425, 429, 500, 502, 503, 504))
"""Statuses of servers that may answer a moment later."""
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def may_pass(failed: TransferFailed) -> bool:
    """Whether the same request may do a moment later."""
    if failed.status:
        return failed.status in _LATER
    cause = _cause(failed)
    if isinstance(cause, (Refused, ssl.SSLCertVerificationError, socket.gaierror, ConnectionRefusedError)):
        return False
    if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        return False
    return "Tunnel connection failed" not in str(cause)


def network_trouble(failed: TransferFailed, what: str, address: str) -> AnimePoseError:
    """What to tell about a failed transfer.

    Args:
        what: file and network.
        address: that was asked.
    """
    host = urlsplit(address).hostname or address
    if isinstance(failed.cause, HTTPError):
        return _status_trouble(failed.cause, what, address, host)
    cause = _cause(failed)
    said = getattr(cause, "strerror", None) or str(cause) or repr(cause)
    message, remedy = f"{what} could not be fetched from {host}: {said}.", f"Try again; or {CARRY_IN}."
    if isinstance(cause, Refused):
        message = f"{what} was not fetched: {said}, which is not safe."
        remedy = f"Check the mirror, or use another network; or {CARRY_IN}."
    elif isinstance(cause, ssl.SSLCertVerificationError):
        message = f"{what} was not fetched: {host} has no certificate that this machine trusts ({said})."
        remedy = f"Check the clock, the proxy and the mirror; or {CARRY_IN}."
    elif isinstance(cause, socket.gaierror):
        message = f"{what} could not be fetched: the name {host}, or that of a proxy, is not known ({said})."
        remedy = f"Check that this machine is online, the proxy and the mirror; or {CARRY_IN}."
    elif isinstance(cause, ConnectionRefusedError):
        message = f"{what} could not be fetched: {host}, or a proxy, refuses connections."
        remedy = f"Check the proxy and the mirror; or {CARRY_IN}."
    elif isinstance(cause, TimeoutError):
        message = f"{what} could not be fetched: {host} has stalled ({said})."
        remedy = f"Try again later, which goes on where it stopped; or {CARRY_IN}."
    elif "Tunnel connection failed" in said:
        message = f"{what} could not be fetched: the proxy does not let us through ({said})."
        remedy = f"Check the proxy, also its name and password; or {CARRY_IN}."
    return AnimePoseError(message, remedy)


def disk_trouble(error: OSError, store: Path, needed: int = 0) -> AnimePoseError:
    """What to tell about files of the store that cannot be written."""
    if error.errno in _FULL:
        return no_space(store, needed)
    return cannot_write(store, error)


def no_space(store: Path, needed: int) -> AnimePoseError:
    """What to tell about a disk that is full, or would be."""
    try:
        free = f"{shutil.disk_usage(store).free / 1e6:,.0f} MB are free"
    except OSError:
        free = "too little is free"
    wanted = f" {needed / 1e6:,.0f} MB are needed." if needed else ""
    return AnimePoseError(
        f"The disk of {store} is full, or its user may not have more: {free}.{wanted}",
        "Make space, then go on; or choose another folder (--store, or the preferences).",
    )


def _status_trouble(error: HTTPError, what: str, address: str, host: str) -> AnimePoseError:
    said = f"{error.code} {error.reason}"
    if error.code in (401, 403, 407):
        return AnimePoseError(
            f"{host} does not hand out {what} ({said}) at {address}.",
            f"It may want an account or its terms to be accepted: get it with a browser, and import it; or {CARRY_IN}.",
        )
    if error.code in (404, 410):
        return AnimePoseError(
            f"{what} is not at {address} ({said}).",
            f"Update AnimePose, or check the mirror; or {CARRY_IN}.",
        )
    remedy = f"Try again later; or {CARRY_IN}." if error.code in _LATER else f"Check the mirror; or {CARRY_IN}."
    return AnimePoseError(f"{host} answers {said} for {what}.", remedy)


def _cause(failed: TransferFailed) -> BaseException:
    """What urllib has wrapped."""
    reason = failed.cause.reason if isinstance(failed.cause, URLError) else None
    return reason if isinstance(reason, BaseException) else failed.cause
