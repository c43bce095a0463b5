"""`animepose models` as people type it, in a process of its own, against the registry on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile

import pytest

from addon_tests.store.stub_hub import (
    hub_of,
    safetensors,
    serving,
    sha256,
    write_catalogue,
    write_catalogue_of,
)
from animepose_blender import cli
from animepose_blender.errors import AnimePoseError
from animepose_blender.host.worker_client import worker_environment
from animepose_blender.presets import PARTS
from animepose_blender.store.catalogue import CATALOGUE_VARIABLE
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.installed import Presence, look_up
from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text


@pytest.fixture
def environment(site):
    """The registry of the catalogue is somewhere else, so that a mirror is needed."""
    write_catalogue(site.folder, "http://no-such-host.invalid")
    named = {CATALOGUE_VARIABLE: str(site.folder / "models.toml"), STORE_VARIABLE: str(site.store)}
    return worker_environment() | named


def command(*words):
    return [sys.executable, "-m", "animepose_blender.cli", "models", *words]


def run(environment, *words):
    return subprocess.run(command(*words), env=environment, capture_output=True, text=True, check=False)


def test_the_whole_way(site, environment, tmp_path):
    done = run(environment, "fetch", "tiny-pose", "tiny-depth", "--mirror", site.hub.address)
    assert done.returncode == 0, done.stderr
    assert str(site.store / "tiny-pose") in done.stdout and "300 kB" in done.stdout
    assert "CC-BY-NC-4.0, NOT for commercial use" in done.stderr and "model.safetensors" in done.stderr

    listed = {row["id"]: row for row in json.loads(run(environment, "list", "--json").stdout)}
    assert listed["tiny-pose"]["state"] == "here" and listed["tiny-depth"]["badge"] == "NOT for commercial use"

    done = run(environment, "verify", "tiny-pose", "temporal-lifter")
    assert done.returncode == 0 and done.stdout.split() == ["ok", "tiny-pose", "ok", "temporal-lifter"]

    done = run(environment, "export", "tiny-pose", "-o", str(tmp_path / "carry.zip"))
    assert done.returncode == 0 and "tiny-pose/config.json" in zipfile.ZipFile(tmp_path / "carry.zip").namelist()

    done = run(environment, "remove", "tiny-pose", "tiny-depth")
    assert done.returncode == 0 and "301 kB freed" in done.stdout
    assert run(environment, "verify", "tiny-pose").returncode == 3

    done = run(environment, "import", str(tmp_path / "carry.zip"))
    assert done.returncode == 0 and "tiny-pose: Apache-2.0, commercial use allowed" in done.stdout

    with (site.store / "tiny-pose" / "model.safetensors").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\xff")
    done = run(environment, "verify", "tiny-pose")
    assert done.returncode == 3 and "wrong  tiny-pose: model.safetensors" in done.stdout
    assert "Fetch or import" in done.stderr


@pytest.mark.parametrize("pinned", [True, False])
def test_a_preset_is_fetched_verified_carried_over_and_removed(tmp_path, pinned):
    ids = PARTS["quality"].networks()
    made, store, other = tmp_path / "made", tmp_path / "store", tmp_path / "other"
    for number, id_ in enumerate(ids):
        files = {"config.json": b'{"architectures": ["Net"]}', "model.safetensors": safetensors(20_000, fill=number)}
        listed = tuple(ModelFile(path, len(data), sha256(data)) for path, data in files.items())
        record = ModelRecord(id_, id_, "depth", "Net", listed, "MIT", True, "here", options={"scene": "indoor"})
        (made / id_).mkdir(parents=True)
        for path, data in (files | {RECORD: record_text(record).encode()}).items():
            (made / id_ / path).write_bytes(data)
    with serving(hub_of(made)) as hub:
        path = write_catalogue_of(made, tmp_path / "models.toml", hub.address, pinned=pinned)
        named = worker_environment() | {CATALOGUE_VARIABLE: str(path), STORE_VARIABLE: str(store), "no_proxy": "*"}
        done = run(named, "fetch", "quality", "--commercial-only")
    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == list(ids)
    assert ("not pinned" in done.stdout) is not pinned
    done = run(named, "verify", "quality")
    assert done.returncode == 0 and [line for line in done.stdout.splitlines() if line.startswith("ok")] == [
        f"ok  {id_}" for id_ in ids
    ]
    assert run(named, "export", "quality", "-o", str(tmp_path / "x.zip")).returncode == 0
    assert run(named, "import", str(tmp_path / "x.zip"), "--store", str(other)).returncode == 0
    assert all((other / id_ / "model.safetensors").is_file() for id_ in ids)
    assert run(named, "remove", "quality").returncode == 0
    assert [path.name for path in store.iterdir()] == [".locks"]


def test_another_store_and_ones_own_network(site, environment, tmp_path):
    done = run(environment, "fetch", "tiny-pose", "--mirror", site.hub.address, "--store", str(tmp_path / "s"))
    assert done.returncode == 0 and not site.store.exists()
    words = ["import", str(tmp_path / "s" / "tiny-pose" / "model.safetensors"), "--as", "my-pose", "--role", "pose"]
    words += ["--licence", "MIT", "--architecture", "VitPoseForPoseEstimation", "--non-commercial"]
    assert run(environment, *words).returncode == 2
    done = run(environment, *words, "--skeleton", "coco_71")
    assert done.returncode == 2 and "coco_17" in done.stderr
    done = run(environment, *words, "--skeleton", "coco_17", "--option", "dataset_index=3")
    assert done.returncode == 0 and "NOT for commercial use" in done.stdout
    found = look_up("my-pose", site.store)
    assert found.presence is Presence.HERE and found.record and found.record.options == {"dataset_index": 3}


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["fetch"], 2, "quality"),
        (["fetch", "nothing"], 2, "models list"),
        (["fetch", "tiny-pose"], 3, "no-such-host.invalid"),
        (["fetch", "tiny-pose", "--mirror", "nowhere"], 2, "mirror"),
        (["fetch", "tiny-depth", "--commercial-only"], 3, "CC-BY-NC-4.0"),
        (["remove", "temporal-lifter"], 2, "ships"),
        (["export", "tiny-pose", "-o", "x.zip"], 3, "models fetch tiny-pose"),
        (["import", "nowhere"], 3, "nowhere"),
        (["fly"], 2, "fly"),
        ([], 2, "ACTION"),
    ],
)
def test_what_goes_wrong_ends_with_its_status_and_one_message(environment, words, status, told):
    done = run(environment, *words)
    assert done.returncode == status and told in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_catalogue_that_cannot_be_read_is_one_message(environment):
    done = run(environment | {CATALOGUE_VARIABLE: "nowhere.toml"}, "list")
    assert done.returncode == 3 and "nowhere.toml" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_ends_with_130_and_the_next_fetch_goes_on(site, environment):
    site.hub.stalls = True
    words = ["fetch", "tiny-pose", "--mirror", site.hub.address]
    process = subprocess.Popen(command(*words), env=environment, stderr=subprocess.PIPE, text=True)
    partial = site.store / "tiny-pose.part" / "model.safetensors.incomplete"
    while not (partial.exists() and partial.stat().st_size) and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == 130 and "cancelled" in told and "Traceback" not in told
    came = partial.stat().st_size
    site.hub.stalls = False
    assert run(environment, *words).returncode == 0
    assert site.hub.asked[-2].range == f"bytes={came}-"


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits of file sizes")
def test_a_full_disk_is_one_message_and_the_next_fetch_goes_on(site, environment):
    import resource

    words = ["fetch", "tiny-pose", "--mirror", site.hub.address]

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        command(*words), env=environment, capture_output=True, text=True, check=False, preexec_fn=limit
    )
    assert done.returncode == 3 and "full" in done.stderr and "Make space" in done.stderr, done.stderr
    assert look_up("tiny-pose", site.store).presence is Presence.UNFINISHED
    assert run(environment, *words).returncode == 0
    assert any(one.range for one in site.hub.asked)


def test_nothing_is_fetched_where_the_network_may_not_be_used(site, monkeypatch, capsys):
    monkeypatch.setenv(CATALOGUE_VARIABLE, str(site.folder / "models.toml"))

    def offline():
        raise AnimePoseError("Blender may not use the network.", "Allow it.")

    surroundings = cli.Surroundings(access=offline)
    assert cli.main(["models", "fetch", "tiny-pose", "--store", str(site.store)], surroundings) == 3
    assert "may not use" in capsys.readouterr().err and site.hub.asked == []


def test_networks_of_the_worker_are_told_of_by_its_interpreter(site, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv(CATALOGUE_VARIABLE, str(site.folder / "models.toml"))
    wrapper = tmp_path / "python"
    wrapper.write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    wrapper.chmod(0o755)
    surroundings = cli.Surroundings(lambda: str(wrapper))
    for action in ("list", "verify"):
        assert cli.main(["models", action, "--store", str(site.store)], surroundings) == 3
        told = capfd.readouterr().out
        assert "temporal-lifter" in told
        assert told.splitlines()[-1] == f"-s -m animepose_blender.cli models {action} --mediapipe"

    def none():
        raise AnimePoseError("There is no environment.", "Create it.")

    assert cli.main(["models", "list", "--store", str(site.store)], cli.Surroundings(none)) == 0
    captured = capfd.readouterr()
    assert "tiny-pose" in captured.out and "There is no environment" in captured.err
    assert cli.main(["models", "verify", "--store", str(site.store)], cli.Surroundings(none)) == 3
