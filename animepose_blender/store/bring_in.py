"""Networks from a folder, a zip or a file that somebody carries in: checked, copied, then put in place at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

from ..errors import AnimePoseError
from .arrivals import Arrival, Described, arrivals
from .carried import Carried
from .catalogue import Catalogue
from .contents import check_contents
from .folder import store_folder
from .lock import only_one_changes
from .placing import import_folder, put_in_place, settle
from .progress import Meter, OnProgress, tell_nobody
from .record import ModelFile, ModelRecord
from .troubles import disk_trouble, no_space

__all__ = ["Described", "bring_in"]


def bring_in(
    source: Path,
    catalogue: Catalogue,
    described: Described | None = None,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
    commercial_only: bool = False,
) -> list[ModelRecord]:
    """Take over networks: an exported store, a folder or zip as the hub has them, or a file of weights.

    Returns:
        Records of what is in the store now.
    Raises:
        Cancelled: if that was asked for; nothing is changed.
        AnimePoseError: what is wrong and what the user can do; nothing is changed.
    """
    store = store or store_folder()
    meter = Meter("", 0, on_progress, cancelled)
    with Carried(source) as carried, contextlib.ExitStack() as held:
        found = arrivals(carried, catalogue, described or Described(), meter)
        if commercial_only:
            require_commercial([arrival.record for arrival in found])
        for arrival in found:
            held.enter_context(only_one_changes(arrival.record.id, store))
        try:
            needed = sum(_size(carried, arrival) for arrival in found)
            if needed > shutil.disk_usage(store).free:
                raise no_space(store, needed)
            staged: list[tuple[Path, ModelRecord]] = []
            for arrival in found:
                settle(arrival.record.id, store)
                folder = import_folder(arrival.record.id, store)
                held.callback(shutil.rmtree, folder, ignore_errors=True)
                staged.append((folder, _copy(carried, arrival, folder, needed, on_progress, cancelled)))
            for folder, record in staged:
                put_in_place(folder, record, store)
        except OSError as error:
            raise disk_trouble(error, store) from error
    return [record for _, record in staged]


def require_commercial(records: list[ModelRecord]) -> None:
    """Raises AnimePoseError if one of the networks may not be used commercially."""
    others = [f"{record.id} ({record.licence})" for record in records if not record.commercial]
    if others:
        raise AnimePoseError(
            f"Not for commercial use: {', '.join(others)}.", "Leave these out, or leave --commercial-only out."
        )


def _size(carried: Carried, arrival: Arrival) -> int:
    return sum(carried.sizes.get(arrival.folder + file.path, 0) for file in arrival.record.files)


def _copy(
    carried: Carried, arrival: Arrival, folder: Path, total: int, on_progress: OnProgress,
    cancelled: threading.Event | None,
) -> ModelRecord:  # fmt: skip
    """Copy a network's files, checked; returns its record with sizes and hashes."""
    meter = Meter(arrival.record.id, total, on_progress, cancelled)
    files = []
    for file in arrival.record.files:
        if arrival.folder + file.path not in carried.sizes:
            raise AnimePoseError(f"{file.path} of {arrival.record.id} is not in {carried.name}.", "Export it again.")
        meter.starts(file.path, meter.done)
        target = folder / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        files.append(_copy_file(carried, arrival, file, target, meter))
        check_contents(target)
    meter.ends()
    return replace(arrival.record, files=tuple(files))


def _copy_file(carried: Carried, arrival: Arrival, file: ModelFile, target: Path, meter: Meter) -> ModelFile:
    digest, size, most = hashlib.sha256(), 0, carried.sizes[arrival.folder + file.path]
    with target.open("wb") as copy:
        for chunk in carried.chunks(arrival.folder + file.path):
            copy.write(chunk)
            digest.update(chunk)
            size += len(chunk)
            meter.adds(len(chunk))
            if size > most:
                break
        copy.flush()
        os.fsync(copy.fileno())
    came = digest.hexdigest()
    if size != file.size or (file.sha256 and came != file.sha256):
        raise AnimePoseError(
            f"{file.path} of {arrival.record.id} in {carried.name} is not what it should be: {file.size} bytes with "
            f"the sha256 {file.sha256 or '(any)'} were expected, {size} bytes with {came} are there.",
            "Choose another folder or zip, or fetch it.",
        )
    return ModelFile(file.path, size, came)
