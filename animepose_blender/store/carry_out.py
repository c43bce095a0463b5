"""Networks of the store into one zip, which `bring_in` reads elsewhere."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import AnimePoseError, ExitCode
from .contents import CHUNK
from .folder import store_folder
from .installed import find_network, shipped_networks
from .lock import cannot_write
from .names import UNFINISHED
from .progress import Meter, OnProgress, tell_nobody
from .record import RECORD, record_text


def carry_out(
    ids: Sequence[str],
    target: Path,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    store: Path | None = None,
) -> None:
    """Write networks that are here into a zip; those that ship with the extension are not needed there.

    Raises:
        Cancelled: if that was asked for; nothing is written.
        AnimePoseError: if one is not here, or the zip cannot be written.
    """
    store = store or store_folder()
    here = [find_network(id_, store) for id_ in dict.fromkeys(ids) if id_ not in shipped_networks()]
    if not here:
        raise AnimePoseError("There is nothing to export.", "Name networks of the store.", ExitCode.USAGE)
    temporary = target.with_name(f".{target.name}{UNFINISHED}")
    total, done = sum(record.size for _, record in here), 0
    try:
        # Weights do not get smaller by compression.
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for folder, record in here:
                meter = Meter(record.id, total, on_progress, cancelled)
                for file in record.files:
                    meter.starts(file.path, done)
                    name = f"{record.id}/{file.path}"
                    with (folder / file.path).open("rb") as source, archive.open(name, "w", force_zip64=True) as copy:
                        while chunk := source.read(CHUNK):
                            copy.write(chunk)
                            meter.adds(len(chunk))
                    done += file.size
                archive.writestr(f"{record.id}/{RECORD}", record_text(record) + "\n")
        temporary.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)
