"""`animepose models convert`: somebody who has a published checkpoint gets a network of the store."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from addon_tests.models.published_checkpoints import written
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.own import load_own
from animepose_blender.estimate.hub.own_network import load_own_network
from animepose_blender.estimate.hub.own_pose import OwnPose
from animepose_blender.estimate.hub.own_root import OwnRoot
from animepose_blender.estimate.hub.published import take_over
from animepose_blender.host.worker_client import worker_environment
from animepose_blender.skeleton import JOINT_COUNT, KEYPOINT_MAPS, J, from_keypoints
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.installed import find_network
from models.pose_net import PoseNet
from models.published_3dmppe import CONSTRUCTORS

CPU = Device(torch.device("cpu"), torch.float32)
PICTURE = torch.from_numpy(np.random.default_rng(5).integers(0, 256, (1, 240, 200, 3), dtype=np.uint8))


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "store"))
    return tmp_path / "store"


def models(*words):
    command = [sys.executable, "-m", "animepose_blender.cli", "models", *words]
    return subprocess.run(command, env=worker_environment(), capture_output=True, text=True, check=False)


def test_the_whole_way(store, tmp_path):
    snapshot = tmp_path / "snapshot_24.pth.tar"
    written(snapshot, "pose_net", joints=21)
    done = models("convert", str(snapshot), "--as", "posenet-3dmppe", "--half")
    assert done.returncode == 0, done.stderr
    assert "NOT for commercial use" in done.stdout and str(store / "posenet-3dmppe") in done.stdout

    done = models("list", "--json")
    row = {row["id"]: row for row in json.loads(done.stdout)}["posenet-3dmppe"]
    assert (row["state"], row["role"], row["commercial"]) == ("here", "pose", False)
    assert "not for commercial use" in row["card"] and "snapshot_24.pth.tar" in row["source"]
    assert "posenet-3dmppe" not in models("list", "--json", "--commercial-only").stdout
    assert models("verify", "posenet-3dmppe").returncode == 0

    folder, record = find_network("posenet-3dmppe")
    network = load_own(folder, CONSTRUCTORS, CPU).network
    assert isinstance(network, PoseNet)
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 21, 3)
    # As `--pose posenet-3dmppe` runs it.
    pose = OwnPose(load_own_network(folder, CPU))
    assert pose.skeleton == record.skeleton == "muco_21"
    keypoints_px, sure, joints_m = pose.bodies(PICTURE, np.zeros(1), np.array([[60.0, 20.0, 140.0, 220.0]]))
    assert keypoints_px.shape == (1, 21, 2) and joints_m.shape == (1, 21, 3)
    assert np.isfinite(joints_m).all() and ((sure >= 0) & (sure <= 1)).all()
    joints_px, confidence = from_keypoints(pose.skeleton, keypoints_px, sure)
    assert joints_px.shape == (1, JOINT_COUNT, 2)
    assert np.isfinite(joints_px[0, J["left_toe"]]).all()
    assert np.isnan(joints_px[0, J["left_heel"]]).all() and confidence[0, J["left_heel"]] == 0


def test_a_rootnet_is_taken_over_too_and_replaces_what_was_there(store, tmp_path):
    snapshot = tmp_path / "snapshot.pth.tar"
    tensors = written(snapshot, "root_net")
    take_over(snapshot, "rootnet-3dmppe")
    tensors["module.root.depth_layer.bias"][0] = 5.0
    torch.save({"network": tensors}, snapshot)
    record = take_over(snapshot, "rootnet-3dmppe")
    assert (record.role, record.skeleton, record.commercial) == ("root", "", False)
    folder, found = find_network("rootnet-3dmppe")
    assert found == record
    network = load_own(folder, CONSTRUCTORS, CPU).network
    assert float(network.state_dict()["gamma.bias"]) == 5.0
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 64, 64), torch.tensor([1.0, 2.0])).shape == (2, 3)
    root = OwnRoot(load_own_network(folder, CPU))
    root_px, depth = root.roots(PICTURE, np.zeros(1), np.array([[60.0, 20.0, 140.0, 220.0]]))
    assert root_px.shape == (1, 2) and np.isfinite(root_px).all() and depth.shape == (1,)
    assert sorted(path.name for path in store.iterdir()) == [".locks", "rootnet-3dmppe"]


@pytest.mark.parametrize(
    ("kind", "joints", "id_", "words"),
    [("pose_net", 18, "rootnet-3dmppe", "is no RootNet"), ("pose_net", 5, "posenet-3dmppe", "5 joints")],
)
def test_another_network_is_refused_and_the_store_stays_as_it_is(store, tmp_path, kind, joints, id_, words):
    written(tmp_path / "snapshot.pth.tar", kind, joints)
    with pytest.raises(AnimePoseError, match=words):
        take_over(tmp_path / "snapshot.pth.tar", id_)
    assert [path.name for path in store.iterdir()] == [".locks"]


def test_what_is_not_there_says_how_it_is_had(store):
    with pytest.raises(AnimePoseError) as error:
        find_network("posenet-3dmppe")
    assert "models convert" in error.value.remedy


@pytest.mark.parametrize(("skeleton", "missing"), [("human36m_18", ("toe", "heel")), ("muco_21", ("heel", "ear"))])
def test_left_is_left_and_what_the_release_lacks_is_marked(skeleton, missing):
    names, _ = KEYPOINT_MAPS[skeleton]
    points = np.array([[1.0 if name.startswith("left_") else -1.0 if "right_" in name else 0.0] for name in names])
    joints, confidence = from_keypoints(skeleton, points, np.ones(len(names)))
    for name, index in J.items():
        side = 1.0 if name.startswith("left_") else -1.0 if name.startswith("right_") else 0.0
        assert np.isnan(joints[index, 0]) or joints[index, 0] == side
    for stem in missing:
        assert np.isnan(joints[J[f"left_{stem}"], 0]) and confidence[J[f"left_{stem}"]] == 0
