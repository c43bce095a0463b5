"""Take the published checkpoints of 3DMPPE, which a user has fetched, into the weight store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open

from models.published_3dmppe import convert

from ...errors import AnimePoseError, ExitCode
from ...store.contents import sha256_of
from ...store.folder import store_folder
from ...store.lock import only_one_changes
from ...store.placing import import_folder, put_in_place, remove_folder, settle
from ...store.published import CARD, PUBLISHED, SKELETONS
from ...store.record import ModelFile, ModelRecord
from ...store.troubles import disk_trouble

FILE = "model.safetensors"


def take_over(checkpoint: Path, id_: str, *, half: bool = False, store: Path | None = None) -> ModelRecord:
    """Convert a checkpoint and put it into the store; what is there under that id is replaced.

    Args:
        checkpoint: `snapshot_<epoch>.pth.tar` of the public release.
        id_: a key of `PUBLISHED`.
        half: in half precision.
    Returns:
        Its record.
    Raises:
        AnimePoseError: if it cannot be read, is another network, or has joints of an unknown set; the store is
            unchanged then.
    """
    store = store or store_folder()
    with only_one_changes(id_, store):
        folder = import_folder(id_, store)
        try:
            settle(id_, store)
            folder.mkdir()
            kind = convert(checkpoint, folder / FILE, torch.float16 if half else torch.float32)
            record = _record(checkpoint, id_, kind, folder / FILE)
            put_in_place(folder, record, store)
        except OSError as error:
            raise disk_trouble(error, store) from error
        finally:
            remove_folder(folder)  # it has been renamed if all went well
    return record


def _record(checkpoint: Path, id_: str, kind: str, file: Path) -> ModelRecord:
    record = PUBLISHED[id_]
    if kind != record.architecture:
        right = next(other for other, one in PUBLISHED.items() if one.architecture == kind)
        raise AnimePoseError(f"{checkpoint} is no {record.title}.", f"Take it over with --as {right}.", ExitCode.USAGE)
    skeleton = ""
    if record.role == "pose":
        with safe_open(file, framework="pt") as tensors:
            joints = json.loads(tensors.metadata()["config"])["joints"]
        if joints not in SKELETONS:
            known = " and ".join(f"{count} ({name})" for count, name in SKELETONS.items())
            raise AnimePoseError(
                f"{checkpoint} has {joints} joints, and nobody says which; the release has {known}.",
                "Choose a snapshot of the public release, trained on Human3.6M or on MuCo-3DHP.",
            )
        skeleton = SKELETONS[joints]
    files = (ModelFile(file.name, file.stat().st_size, sha256_of(file)),)
    source = f"{record.source}, converted from {checkpoint.name}"
    return replace(record, files=files, skeleton=skeleton, source=source, card=CARD.read_text(encoding="utf-8"))
