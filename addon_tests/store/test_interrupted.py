"""Whatever moment a fetch or an import dies at: nothing half-done counts as being here, and the next one finishes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from addon_tests.store.stub_hub import pose_files, safetensors
from animepose_blender.host.worker_client import worker_environment
from animepose_blender.store.access import MIRROR_VARIABLE
from animepose_blender.store.bring_in import bring_in
from animepose_blender.store.carry_out import carry_out
from animepose_blender.store.catalogue import CATALOGUE_VARIABLE
from animepose_blender.store.installed import Presence, ids_here, leftovers, look_up
from animepose_blender.store.verify import verify


class Killed(BaseException):
    """The end of the process, as far as files are concerned."""


class Deadly:
    """Ends the work before the n-th change of a file or folder, which is also right after the one before."""

    CHANGES = ("rename", "replace", "unlink", "mkdir", "rmdir")

    def __init__(self, patch, at):
        self.left, self.happened = at, False
        for name in self.CHANGES:
            patch.setattr(Path, name, self._counted(getattr(Path, name)))
        patch.setattr(os, "fsync", self._counted(os.fsync))

    def _counted(self, change):
        def counted(*args, **options):
            self.left -= 1
            if self.left == 0:
                self.happened = True
                raise Killed
            return change(*args, **options)

        return counted


def die_everywhere(site, prepare, work, accept):
    """Let `work` die at each of its changes; afterwards what is there must be whole, and `work` must finish."""
    for at in range(1, 200):
        site.store = site.folder / f"store-{at}"
        prepare()
        with pytest.MonkeyPatch.context() as patch:
            deadly = Deadly(patch, at)
            with contextlib.suppress(Killed):
                work()
        found = look_up("tiny-pose", site.store)
        assert found.presence in (Presence.ABSENT, Presence.UNFINISHED, Presence.HERE), (at, found)
        if found.presence is Presence.HERE:
            accept()
        work()
        accept()
        assert leftovers(site.store) == [] and ids_here(site.store) == ["tiny-pose"]
        if not deadly.happened:
            break
    assert 8 < at < 199, "it has looked at too little, or never ends"


def accept_any(site):
    verdict = verify("tiny-pose", site.catalogue, store=site.store)
    assert verdict.ok, verdict


def test_a_fetch_may_die_at_any_change(site):
    die_everywhere(site, lambda: None, site.fetch, lambda: accept_any(site))


@pytest.mark.slow
def test_a_newer_revision_may_die_at_any_change(site):
    old, new = pose_files(), pose_files(safetensors(20_000, fill=3))

    def prepare():
        site.use(files=old)
        site.hub.files |= {f"people/tiny-pose/{path}": data for path, data in old.items()}
        site.fetch()
        site.use(files=new)
        site.hub.files |= {f"people/tiny-pose/{path}": data for path, data in new.items()}

    die_everywhere(site, prepare, site.fetch, lambda: accept_any(site))


def test_an_import_may_die_at_any_change(site, tmp_path):
    site.fetch()
    carry_out(["tiny-pose"], tmp_path / "x.zip", store=site.store)

    def work():
        bring_in(tmp_path / "x.zip", site.catalogue, store=site.store)

    die_everywhere(site, lambda: None, work, lambda: accept_any(site))


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_a_killed_process_leaves_what_the_next_one_finishes(site):
    site.hub.slow_s = 0.01
    command = [sys.executable, "-m", "animepose_blender.cli", "models", "fetch", "tiny-pose"]
    command += ["--store", str(site.store)]
    environment = worker_environment() | {CATALOGUE_VARIABLE: str(site.folder / "models.toml")}
    environment.pop(MIRROR_VARIABLE, None)
    for wait_s in (0.0, 0.02, 0.05, 0.1, 0.15):
        asked = len(site.hub.asked)
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(site.hub.asked) == asked and process.poll() is None:
            time.sleep(0.005)
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        found = look_up("tiny-pose", site.store)
        assert found.presence is not Presence.DAMAGED
        if found.presence is Presence.HERE:
            accept_any(site)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert look_up("tiny-pose", site.store).presence is Presence.HERE
    accept_any(site)
    assert any(one.range for one in site.hub.asked)
