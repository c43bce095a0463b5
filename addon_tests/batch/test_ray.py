"""Batches on a Ray cluster: two nodes of several processes on this machine, with made-up clips."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from animepose_blender import __version__
from animepose_blender.batch.local import LocalTools, Programs
from animepose_blender.batch.order import Clip, Order
from animepose_blender.batch.plan import plan
from animepose_blender.batch.ray_node import Estimator
from animepose_blender.batch.schedule import Watcher, convert_all
from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.protocol import STAGES, JobRequest, encode_job
from animepose_blender.take import Take

pytest.importorskip("ray")
pytest.importorskip("bpy")

os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "RAY_DEDUP_LOGS": "0"}
NODE = {"num_gpus": 0, "object_store_memory": 80 * 2**20, "include_dashboard": False}
SLOW = {"frames": 12, "seconds_per_stage": 0.4}
"""Three seconds, in which something can happen."""


@pytest.fixture(scope="module")
def nodes():
    """A head that does nothing, and two nodes: one of two processors, one of one."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=NODE | {"num_cpus": 0})
    own = {name: NODE[name] for name in ("num_gpus", "object_store_memory")}
    cluster.small = [cluster.add_node(num_cpus=cpus, **own) for cpus in (2, 1)][1]
    yield cluster
    cluster.shutdown()


@pytest.fixture(scope="module")
def cluster(nodes, tmp_path_factory):
    """The nodes with two estimators and a builder, as a run of several clips has them."""
    from animepose_blender.batch.ray_cluster import ray_cluster

    order = order_of(tmp_path_factory.mktemp("run"), {}, {}, {})
    with ray_cluster(nodes.address, plan(order), order.output, None) as cluster:
        assert (cluster.estimators.size, cluster.builders.size, cluster.jobs) == (2, 1, 3)
        yield cluster
    assert not list((order.output / ".animepose").glob("probe-*"))


def order_of(tmp_path, *settings, **changes):
    """An order of dummy clips, each with its own settings."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    clips = tuple(
        Clip(str(tmp_path / f"{name}.mp4"), {"preset": "dummy", "settings": own})
        for name, own in zip("abcdef", settings)
    )
    return replace(Order(clips, out, formats=("bvh",)), **changes)


class Told(Watcher):
    """Notes what is shown, and does something when a clip is first seen to be at one of some stages."""

    def __init__(self, clip, stages, do):
        self.clip, self.stages, self.do, self.shown, self.done = clip, stages, do, [], threading.Event()

    def shows(self, planned, stage, fraction):
        self.shown.append(stage)
        if planned.name == self.clip and stage in self.stages and not self.done.is_set():
            self.done.set()
            self.do()


def run(order, cluster, watcher):
    from animepose_blender.batch.ray_engine import RayTools

    return convert_all(plan(order), order, lambda slot: RayTools(cluster), cluster.jobs, False, watcher)


def end_all(pool):
    """Kill the processes of all actors of a kind."""
    for worker in pool.workers:
        os.kill(worker.pid, signal.SIGKILL)


def test_the_results_are_those_of_this_machine(cluster, tmp_path):
    settings = [{"frames": 12, "people": 2, "warn": "The lens is guessed."}, {"frames": 15}, {"fail_at": "solve"}]
    (tmp_path / "ray").mkdir()
    (tmp_path / "local").mkdir()
    far, near = order_of(tmp_path / "ray", *settings), order_of(tmp_path / "local", *settings)
    reports = run(far, cluster, Watcher())
    command = [sys.executable, "-m", "animepose_blender.host.build_worker"]
    programs = Programs(lambda: sys.executable, lambda: command, tmp_path / "logs")
    expected = convert_all(plan(near), near, lambda slot: LocalTools(programs, slot), 1, False, Watcher())

    assert [one.status for one in reports] == [one.status for one in expected] == ["done", "done", "failed"]
    assert reports[2].message == expected[2].message and reports[2].remedy == expected[2].remedy
    assert reports[0].warnings == expected[0].warnings == ["The lens is guessed."]
    for name in ("a", "b"):
        ours, theirs = (Take.load(folder.output / f"{name}.take.npz") for folder in (far, near))
        np.testing.assert_array_equal(ours.joints_world_m, theirs.joints_world_m)
        files = sorted(path.name for path in near.output.glob(f"{name}*.bvh"))
        assert files and files == sorted(path.name for path in far.output.glob(f"{name}*.bvh"))
        for file in files:
            assert (far.output / file).read_bytes() == (near.output / file).read_bytes()
    for mine, other in zip(reports, expected):
        assert (mine.frames, mine.people, mine.exit_code) == (other.frames, other.people, other.exit_code)


def test_estimators_keep_their_process_from_clip_to_clip(cluster, tmp_path):
    before = {worker.pid for worker in cluster.estimators.workers}
    reports = run(order_of(tmp_path, *[{"frames": 6}] * 4, formats=("bvh",)), cluster, Watcher())
    assert [one.status for one in reports] == ["done"] * 4
    assert before <= {worker.pid for worker in cluster.estimators.workers}


def test_an_estimator_that_holds_too_much_memory_is_replaced(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("animepose_blender.batch.ray_engine.MOST_MEMORY_BYTES", 1)
    before = {worker.pid for worker in cluster.estimators.workers}
    (report,) = run(order_of(tmp_path, {"frames": 6}), cluster, Watcher())
    assert report.status == "done" and before - {worker.pid for worker in cluster.estimators.workers}


def test_a_clip_whose_estimator_is_killed_is_estimated_again_and_its_progress_is_told(cluster, tmp_path):
    watcher = Told("a", STAGES[2:], lambda: end_all(cluster.estimators))
    order = order_of(tmp_path, SLOW)
    (report,) = run(order, cluster, watcher)
    assert watcher.done.is_set() and report.status == "done"
    assert "died before it was done" in report.warnings[0]
    assert watcher.shown.count("waits for a node") == 3 and watcher.shown[-1] not in STAGES[:3]
    assert not list(order.output.glob(".*.part*"))


def test_a_clip_at_which_estimators_die_twice_fails_alone(cluster, tmp_path):
    order = order_of(tmp_path, {"frames": 12, "die_at": "solve"}, {"frames": 12})
    reports = run(order, cluster, Watcher())
    assert [one.status for one in reports] == ["failed", "done"]
    assert "tried twice" in reports[0].message and reports[0].exit_code == ExitCode.SOME_FAILED


def test_a_result_whose_builder_is_killed_is_built_again(cluster, tmp_path):
    watcher = Told("a", ("scene", "fbx"), lambda: end_all(cluster.builders))
    (report,) = run(order_of(tmp_path, {"frames": 150, "people": 4}, formats=("fbx", "bvh")), cluster, watcher)
    assert report.status == "done", report.message
    if watcher.done.is_set():  # stages are asked for now and then, so that a short one may be missed
        assert "died before it was done" in report.results[0].warnings[-1]


@pytest.mark.slow
def test_ctrl_c_ends_what_runs_on_the_nodes(tmp_path):
    command = [
        sys.executable, "-m", "animepose_blender.cli", "convert", str(tmp_path / "a.take.npz"), str(tmp_path / "b.mp4"),
        "-o", str(tmp_path / "out"), "--preset", "dummy", "--set", "seconds_per_stage=5", "--on", "ray",
        "--ray-address", "local",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if "b: open" in line:
            process.send_signal(signal.SIGINT)
            break
    out, rest = process.communicate(timeout=40)
    assert process.returncode == ExitCode.CANCELLED, "".join([*said, rest])
    counts = json.loads((tmp_path / "out" / "report.json").read_text())["counts"]
    assert counts == {"done": 0, "failed": 1, "cancelled": 1}
    assert out == "" and not list((tmp_path / "out").glob("*.npz"))


@pytest.mark.slow
def test_a_node_that_is_lost_takes_no_clip_with_it(nodes, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("animepose_blender.batch.ray_pool.PATIENCE_S", 2.0)
    watcher = Told("b", STAGES[2:], lambda: nodes.remove_node(nodes.small, allow_graceful=False))
    reports = run(order_of(tmp_path, SLOW, SLOW, SLOW), cluster, watcher)
    assert watcher.done.is_set() and [one.status for one in reports] == ["done"] * 3


def test_what_a_node_does_not_see_is_said(tmp_path):
    job = JobRequest(str(tmp_path / "gone.mp4"), str(tmp_path / "gone.take.npz"))
    outcome = Estimator().run(encode_job(job))
    assert "does not see the clip" in outcome.error[0] and not outcome.is_strange
    told = Estimator().hello(str(tmp_path / "not mounted"), "probe", loads=False, threads=1)
    assert "folder of the results" in told["lacks"]


def test_nodes_of_another_version_or_with_storage_of_their_own_are_refused(tmp_path, monkeypatch):
    from animepose_blender.batch import ray_cluster

    monkeypatch.setattr(ray_cluster, "PROBE_S", 0.0)
    told = {"node": "n1", "pid": 1, "lacks": "", "answer": str(tmp_path / "answer")}
    with pytest.raises(AnimePoseError, match=r"AnimePose 0\.0\.1"):
        ray_cluster._Check(tmp_path)(told | {"versions": {"animepose": "0.0.1"}})
    with pytest.raises(AnimePoseError, match="not to be seen here"):
        ray_cluster._Check(tmp_path)(told | {"versions": {"animepose": __version__}})


def test_files_of_a_node_are_waited_for(tmp_path):
    from animepose_blender.batch import ray_engine

    path = tmp_path / "late.npz"
    threading.Timer(0.5, path.write_text, ["whole"]).start()
    ray_engine._wait_until_seen([(str(path), 5, time.time_ns() + 500_000_000)], "n1", threading.Event())
    assert path.read_text() == "whole"


@pytest.mark.parametrize(
    ("nodes", "device", "jobs", "expected"),
    [
        ([{"CPU": 1}], "auto", None, (1, 1, 0.5, 1, 0)),
        ([{"CPU": 2}], "auto", None, (1, 1, 1, 1, 0)),
        ([{"CPU": 16}, {"CPU": 8}], "auto", None, (20, 4, 1, 1, 0)),
        ([{"CPU": 16}, {"CPU": 8}], "auto", 3, (3, 3, 1, 4, 0)),
        ([{"CPU": 3}] * 4, "auto", 3, (3, 2, 1, 1, 0)),
        ([{"CPU": 16, "GPU": 2}], "auto", None, (14, 2, 1, 1, 0)),  # the preset offline uses none
        ([{"CPU": 16, "GPU": 2}, {"CPU": 8, "GPU": 1}], "cuda", None, (3, 21, 1, 1, 1)),
    ],
)
def test_processors_and_gpus_are_shared_out(nodes, device, jobs, expected, tmp_path):
    from animepose_blender.batch.ray_cluster import share_out

    order = Order(tuple(Clip(f"{number}.mp4", {"device": device}) for number in range(40)), tmp_path)
    shares = share_out(nodes, plan(order), jobs)
    assert (shares.estimators, shares.builders, shares.cpus, shares.threads, shares.gpus) == expected


def test_takes_need_builders_alone_and_no_gpu_is_no_cuda(tmp_path):
    from animepose_blender.batch.ray_cluster import share_out

    takes = Order(tuple(Clip(f"{number}.take.npz") for number in range(40)), tmp_path)
    shares = share_out([{"CPU": 6}], plan(takes), None)
    assert (shares.estimators, shares.builders) == (0, 6)
    clips = Order((Clip("a.mp4", {"device": "cuda"}),), tmp_path)
    with pytest.raises(AnimePoseError, match="no GPU"):
        share_out([{"CPU": 6}], plan(clips), None)


def test_no_cluster_is_said_to_be_none(tmp_path):
    from animepose_blender.batch.ray_cluster import ray_cluster

    order = order_of(tmp_path, {"frames": 12})
    with pytest.raises(AnimePoseError, match="no Ray cluster at 127") as raised:
        with ray_cluster("127.0.0.1:1", plan(order), order.output, None):
            pass
    assert "--ray-address local" in raised.value.remedy
