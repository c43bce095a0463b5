"""Fetches a network of the catalogue into the store: resumable, checked while it streams, there whole or not at all.

ID.part/                      while it is fetched
    animepose-fetch.json      what has been learnt so far: the revision, and sizes and hashes of files
    FILE                      whole
    FILE.incomplete           goes on where it stopped
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from dataclasses import asdict, replace
from pathlib import Path

from ..errors import AnimePoseError
from .access import Access
from .catalogue import ModelEntry, is_commit
from .contents import check_contents, sha256_of
from .download import INCOMPLETE, Wanted, download, learn
from .folder import store_folder
from .installed import Presence, folder_size, look_up, shipped_networks, unfinished_folder
from .listing import is_outdated
from .lock import only_one_changes
from .names import WEIGHTS
from .placing import put_in_place, remove_folder, settle, write_whole
from .progress import Meter, OnProgress, tell_nobody
from .record import ModelFile, ModelRecord
from .transfer import TransferFailed
from .troubles import disk_trouble, no_space

LEARNT = "animepose-fetch.json"


def fetch(
    entry: ModelEntry,
    on_progress: OnProgress = tell_nobody,
    cancelled: threading.Event | None = None,
    *,
    access: Access | None = None,
    store: Path | None = None,
) -> ModelRecord:
    """Fetch a network, or go on with what an earlier try has left; one that is here already is left alone.

    Returns:
        Its record, as it is in the store.
    Raises:
        Cancelled: if that was asked for; the next call goes on.
        AnimePoseError: what is wrong and what the user can do; nothing half-done counts as being here.
    """
    if entry.id in shipped_networks():
        return shipped_networks()[entry.id][1]
    store = store or store_folder()
    with only_one_changes(entry.id, store):
        try:
            settle(entry.id, store)
            here = look_up(entry.id, store)
            if here.presence is Presence.HERE and here.record and not is_outdated(here.record, entry):
                return here.record
            return _Fetch(entry, store, access or Access(), on_progress, cancelled or threading.Event()).run()
        except OSError as error:
            raise disk_trouble(error, store, entry.about_bytes) from error
        finally:
            with contextlib.suppress(OSError):  # goes only while it is empty
                unfinished_folder(entry.id, store).rmdir()


class _Fetch:
    """The fetch of one network, which nobody else changes meanwhile."""

    def __init__(
        self, entry: ModelEntry, store: Path, access: Access, on_progress: OnProgress, cancelled: threading.Event
    ) -> None:
        self._entry, self._store, self._access, self._cancelled = entry, store, access, cancelled
        self._part = unfinished_folder(entry.id, store)
        self._endpoint = access.endpoint(entry.registry.endpoint if entry.registry else "")
        self._commit = entry.revision if is_commit(entry.revision) else ""
        weights_last = sorted(entry.record.files, key=lambda file: file.path.endswith(WEIGHTS))
        self._files = {file.path: file for file in weights_last}
        self._meter = Meter(entry.id, 0, on_progress, cancelled)

    def run(self) -> ModelRecord:
        self._recall()
        self._part.mkdir(parents=True, exist_ok=True)
        self._ask_ahead()
        self._meter.total = self._total()
        self._require_space()
        done = 0
        for file in list(self._files.values()):
            self._meter.starts(file.path, done)
            if not self._is_whole(file):
                self._meter.starts(file.path, done)
                try:
                    file = self._download(file)
                except AnimePoseError as error:
                    self._do_without(file, error)
                    continue
                self._files[file.path] = file
                self._remember()
            done += file.size
        record = self._record()
        self._drop_strangers()
        put_in_place(self._part, record, self._store)
        self._meter.ends()
        return record

    def _download(self, file: ModelFile) -> ModelFile:
        target = self._part / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched = download(self._wanted(file), target, self._access, self._cancelled, self._meter)
        try:
            check_contents(target)
        except AnimePoseError:
            target.unlink()
            raise
        return fetched

    def _do_without(self, file: ModelFile, error: AnimePoseError) -> None:
        """Leave a file out that a registry need not have, and has not; else raise the error again."""
        failed = error.__cause__
        if file.path not in self._entry.optional or not isinstance(failed, TransferFailed) or not failed.not_there:
            raise error
        del self._files[file.path]

    def _wanted(self, file: ModelFile) -> Wanted:
        revision = self._commit or self._entry.revision
        address = self._entry.file_address(file.path, self._endpoint, revision)
        return Wanted(file, self._entry.id, address, self._commit)

    def _ask_ahead(self) -> None:
        """Let the registry state what nobody has pinned, so that size and revision are known before much is fetched."""
        for file in list(self._files.values()):
            if (file.size and file.sha256) or (self._part / file.path).exists():
                continue
            self._meter.check()
            try:
                answer = learn(self._wanted(file), self._access, self._cancelled)
            except AnimePoseError as error:
                self._do_without(file, error)
                continue
            if answer is not None:
                self._commit = self._commit or (answer.commit if is_commit(answer.commit) else "")
                size, sha256 = file.size or answer.size, file.sha256 or answer.sha256
                self._files[file.path] = replace(file, size=size, sha256=sha256)
        self._remember()

    def _recall(self) -> None:
        """Go on with what an earlier try has learnt, unless the catalogue has changed since."""
        try:
            learnt = json.loads((self._part / LEARNT).read_text(encoding="utf-8"))
            files = {file["path"]: ModelFile(**file) for file in learnt["files"]}
            pinned = {path: file.sha256 for path, file in self._files.items() if file.sha256}
            others = [path for path, file in files.items() if file.sha256 != pinned.get(path, file.sha256)]
            if learnt["source"] != self._entry.record.source or others or not set(files) <= set(self._files):
                raise ValueError("fetched for another catalogue")
            commit = learnt["commit"] if is_commit(learnt["commit"]) else ""
        except (OSError, ValueError, KeyError, TypeError):
            remove_folder(self._part)
            return
        for path, file in self._files.items():
            if not (self._commit or commit or (self._part / path).is_file()):
                continue  # nobody says of which revision that was
            known = files.get(path, file)
            self._files[path] = replace(known, size=file.size or known.size, sha256=file.sha256 or known.sha256)
        self._commit = self._commit or commit

    def _remember(self) -> None:
        learnt = {
            "source": self._entry.record.source,
            "commit": self._commit,
            "files": [asdict(file) for file in self._files.values()],
        }
        write_whole(self._part / LEARNT, json.dumps(learnt, indent=1))

    def _total(self) -> int:
        """Bytes of all files, or what the catalogue guesses while some are not known."""
        sizes = [file.size for file in self._files.values()]
        return sum(sizes) if all(sizes) else max(sum(sizes), self._entry.about_bytes)

    def _require_space(self) -> None:
        needed = self._meter.total - folder_size(self._part)
        if needed > shutil.disk_usage(self._store).free:
            raise no_space(self._store, needed)

    def _is_whole(self, file: ModelFile) -> bool:
        """Whether an earlier try has finished a file; what cannot be believed is removed."""
        path = self._part / file.path
        if not path.is_file():
            return False
        if file.sha256 and sha256_of(path, self._meter.adds) == file.sha256:
            return True
        path.unlink()
        return False

    def _record(self) -> ModelRecord:
        record = self._entry.record
        if self._commit:
            record = replace(record, source=f"{self._entry.repository}@{self._commit}")
        return replace(record, files=tuple(self._files.values()))

    def _drop_strangers(self) -> None:
        """Remove what is no file of the network."""
        (self._part / LEARNT).unlink()
        for path in self._part.rglob(f"*{INCOMPLETE}"):
            path.unlink()
