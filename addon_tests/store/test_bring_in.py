"""Networks carried in by hand: an export, the hub's own form, one's own; and nothing that could do harm."""

from __future__ import annotations

import json
import os
import struct
import threading
import zipfile

import pytest

from addon_tests.store.stub_hub import CONFIG, depth_files, pose_files, safetensors, sha256
from animepose_blender.errors import AnimePoseError, Cancelled, ExitCode
from animepose_blender.store import carried
from animepose_blender.store.bring_in import Described, bring_in
from animepose_blender.store.carry_out import carry_out
from animepose_blender.store.installed import Presence, find_network, look_up, weights_file
from animepose_blender.store.record import RECORD

OWN = Described("my-pose", "pose", "MIT", skeleton="coco_17", options={"dataset_index": 2})


def write(folder, files):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def zipped(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def elsewhere(tmp_path):
    return tmp_path / "another store"


@pytest.fixture
def export(site, tmp_path):
    """A zip with both networks, made on another machine."""
    site.fetch()
    site.fetch(site.depth)
    path = tmp_path / "studio.zip"
    carry_out(["tiny-pose", "tiny-depth"], path, store=site.store)
    return path


def assert_refused(site, source, store, *words, described=None, exit_code=ExitCode.BAD_INPUT, **more):
    with pytest.raises(AnimePoseError) as caught:
        bring_in(source, site.catalogue, described, store=store, **more)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.remedy and caught.value.exit_code == exit_code
    left = [path for path in store.rglob("*") if path.is_file() and path.parent.name != ".locks"]
    assert left == []


def test_an_export_comes_in_elsewhere_as_it_was(site, export, elsewhere):
    told = []
    records = bring_in(export, site.catalogue, on_progress=told.append, store=elsewhere)
    assert sorted(record.id for record in records) == ["tiny-depth", "tiny-pose"]
    for id_, files in (("tiny-pose", pose_files()), ("tiny-depth", depth_files())):
        folder, record = find_network(id_, elsewhere)
        assert record == find_network(id_, site.store)[1]
        assert all((folder / path).read_bytes() == data for path, data in files.items())
    assert told[-1].fraction == 1.0
    assert sorted(path.name for path in elsewhere.iterdir()) == [".locks", "tiny-depth", "tiny-pose"]


def test_an_unpacked_export_and_a_copied_store_will_do(site, export, elsewhere, tmp_path):
    with zipfile.ZipFile(export) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert len(bring_in(tmp_path / "unpacked", site.catalogue, store=elsewhere)) == 2
    assert len(bring_in(site.store, site.catalogue, store=tmp_path / "third")) == 2


def test_import_replaces_what_is_there(site, export, elsewhere):
    bring_in(export, site.catalogue, store=elsewhere)
    path = elsewhere / "tiny-pose" / "model.safetensors"
    path.write_bytes(b"damaged")
    assert look_up("tiny-pose", elsewhere).presence is Presence.DAMAGED
    bring_in(export, site.catalogue, store=elsewhere)
    assert path.read_bytes() == safetensors()


@pytest.mark.parametrize("packed", [False, True])
def test_the_hubs_own_form_is_known_by_its_hash(site, elsewhere, tmp_path, packed):
    files = {f"some/folder/{path}": data for path, data in pose_files().items()}
    files |= {"some/folder/README.md": b"x", "some/folder/pytorch_model.bin": b"pickle", "some/.gitattributes": b""}
    source = zipped(tmp_path / "hub.zip", files) if packed else write(tmp_path / "hub", files)
    (record,) = bring_in(source, site.catalogue, store=elsewhere)
    assert record.id == "tiny-pose" and record.source == site.pose.record.source
    assert {path.name for path in (elsewhere / "tiny-pose").iterdir()} == {*pose_files(), RECORD}


def test_what_is_not_pinned_has_to_be_named(site, elsewhere, tmp_path):
    site.use(pinned=False)
    source = write(tmp_path / "hub", pose_files())
    assert_refused(site, source, elsewhere, "--as", "VitPoseForPoseEstimation", "tiny-pose", exit_code=ExitCode.USAGE)
    (record,) = bring_in(source, site.catalogue, Described("tiny-pose"), store=elsewhere)
    assert {file.sha256 for file in record.files} == {sha256(data) for data in pose_files().values()}
    assert "imported" in record.source


def test_other_weights_under_a_pinned_name_are_refused(site, elsewhere, tmp_path):
    source = write(tmp_path / "hub", pose_files(safetensors(fill=7)))
    assert_refused(site, source, elsewhere, "sha256", "model.safetensors", described=Described("tiny-pose"))


def test_the_wrong_architecture_is_refused(site, elsewhere, tmp_path):
    site.use(pinned=False)
    source = write(tmp_path / "hub", pose_files())
    words = ("VitPoseForPoseEstimation", "DepthAnythingForDepthEstimation")
    assert_refused(site, source, elsewhere, *words, described=Described("tiny-depth"))


def test_a_missing_file_is_named(site, elsewhere, tmp_path):
    files = pose_files()
    del files["preprocessor_config.json"]
    source = write(tmp_path / "hub", files)
    assert_refused(site, source, elsewhere, "lacks preprocessor_config.json", described=Described("tiny-pose"))


def test_ones_own_network_comes_in_and_is_found_as_others_are(site, elsewhere, tmp_path):
    source = write(tmp_path / "tuned", pose_files(safetensors(fill=4)))
    (record,) = bring_in(source, site.catalogue, OWN, store=elsewhere)
    folder, found = find_network("my-pose", elsewhere)
    assert found == record and record.architecture == "VitPoseForPoseEstimation"
    assert (record.role, record.licence, record.commercial, record.skeleton) == ("pose", "MIT", True, "coco_17")
    assert record.options == {"dataset_index": 2}
    assert weights_file(folder, found).read_bytes() == safetensors(fill=4)


def test_one_file_of_weights_may_be_a_network(site, elsewhere, tmp_path):
    path = tmp_path / "tuned.safetensors"
    path.write_bytes(safetensors(100))
    described = Described("my-lifter", "lifter", "GPL-3.0-or-later")
    (own,) = bring_in(path, site.catalogue, described, store=elsewhere)
    assert own.architecture == "TemporalLifter"  # of our own kind there is one for each role
    assert weights_file(*find_network("my-lifter", elsewhere)).name == "tuned.safetensors"
    shipped, record = find_network("temporal-lifter", elsewhere)
    assert weights_file(shipped, record) == shipped and shipped.is_file()


@pytest.mark.parametrize("ours", ["root-net", "pose-net"])
def test_weights_of_our_own_trainer_say_which_network_they_are(site, elsewhere, tmp_path, ours):
    shipped, record = find_network(ours, elsewhere)
    source = write(tmp_path / "tuned", {"tuned.safetensors": weights_file(shipped, record).read_bytes()})
    described = Described("my-own", record.role, "GPL-3.0-or-later", skeleton=record.skeleton)
    (own,) = bring_in(source, site.catalogue, described, store=elsewhere)
    assert own.architecture == record.architecture


@pytest.mark.parametrize(
    ("described", "word"),
    [
        (Described("My Pose", "pose", "MIT", skeleton="coco_17"), "name"),
        (Described("my-pose", "posing", "MIT", skeleton="coco_17"), "role"),
        (Described("my-pose", "pose", "", skeleton="coco_17"), "licence"),
        (Described("my-pose", "pose", "MIT"), "skeleton"),
        (Described("temporal-lifter", "lifter", "MIT"), "ships"),
        (Described("mediapipe", "pose", "MIT", skeleton="coco_17"), "name"),
        (Described("../up", "pose", "MIT", skeleton="coco_17"), "name"),
    ],
)
def test_ones_own_network_must_be_described(site, elsewhere, tmp_path, described, word):
    source = write(tmp_path / "tuned", pose_files(safetensors(fill=4)))
    assert_refused(site, source, elsewhere, word, described=described, exit_code=ExitCode.USAGE)


def test_only_commercial_ones_come_in_where_that_is_asked_for(site, export, elsewhere):
    assert_refused(site, export, elsewhere, "tiny-depth", "CC-BY-NC-4.0", commercial_only=True)


def test_the_catalogue_says_what_its_networks_may_be_used_for(site, export, elsewhere, tmp_path):
    with zipfile.ZipFile(export) as archive:
        archive.extractall(tmp_path / "changed")
    path = tmp_path / "changed" / "tiny-depth" / RECORD
    path.write_text(path.read_text().replace('"commercial": false', '"commercial": true'))
    bring_in(tmp_path / "changed", site.catalogue, store=elsewhere)
    assert not find_network("tiny-depth", elsewhere)[1].commercial


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "C:/evil.json", "a\\..\\b.json"]
)
def test_a_zip_cannot_write_outside_of_the_store(site, elsewhere, tmp_path, name):
    source = zipped(tmp_path / "slip.zip", {**pose_files(), name: b"{}"})
    assert_refused(site, source, elsewhere, "outside", described=Described("tiny-pose"))
    assert not list(tmp_path.rglob("evil.json"))


@pytest.mark.parametrize("path", ["../../evil.json", "/etc/evil.json", "weights.pt", "run.py", RECORD])
def test_a_record_cannot_name_other_files(site, export, elsewhere, tmp_path, path):
    with zipfile.ZipFile(export) as archive:
        archive.extractall(tmp_path / "changed")
    record = tmp_path / "changed" / "tiny-pose" / RECORD
    text = json.loads(record.read_text())
    text["files"][0]["path"] = path
    record.write_text(json.dumps(text))
    assert_refused(site, tmp_path / "changed", elsewhere, "no record")


def test_links_in_zips_are_refused(site, elsewhere, tmp_path):
    source = tmp_path / "links.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name, data in pose_files().items():
            archive.writestr(name, data)
        link = zipfile.ZipInfo("vocab.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert_refused(site, source, elsewhere, "link", described=Described("tiny-pose"))


def test_links_in_folders_must_stay_there(site, elsewhere, tmp_path):
    source = write(tmp_path / "hub", pose_files())
    (tmp_path / "secret.json").write_text("{}")
    os.symlink(tmp_path / "secret.json", source / "vocab.json")
    assert_refused(site, source, elsewhere, "link", described=Described("tiny-pose"))


def test_a_snapshot_in_the_hubs_own_cache_will_do(site, elsewhere, tmp_path):
    blobs = write(tmp_path / "models--x" / "blobs", {sha256(data): data for data in pose_files().values()})
    snapshot = tmp_path / "models--x" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    for path, data in pose_files().items():
        os.symlink(blobs / sha256(data), snapshot / path)
    bring_in(snapshot, site.catalogue, store=elsewhere)
    assert not any(path.is_symlink() for path in (elsewhere / "tiny-pose").iterdir())


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pt", "model.pth", "model.ckpt", "model.onnx", "tf_model.h5"]
)
def test_pickles_are_refused(site, elsewhere, tmp_path, name):
    source = write(tmp_path / "hub", {"config.json": CONFIG, name: b"\x80\x04."})
    assert_refused(site, source, elsewhere, name, "safetensors", described=Described("tiny-pose"))


def header(text, more=b""):
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return struct.pack("<Q", len(data)) + data + more


@pytest.mark.parametrize(
    "data",
    [
        b"", b"short", struct.pack("<Q", 1 << 62) + b"{}", header(b"not json"), header([1]), header({"a": 1}),
        header({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"1234"),
        header({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, b"12345678"),
        header({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, -8]}}),
        header({"a": {"dtype": "U8", "shape": [4], "data_offsets": [4, 8]}}, b"12345678"),
        header({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}, b"123456"),
        header(b"[" * 100_000), b"\x80\x04pickled under another name",
    ],
)  # fmt: skip
def test_weights_must_be_safetensors_indeed(site, elsewhere, tmp_path, data):
    source = write(tmp_path / "tuned", pose_files(data))
    assert_refused(site, source, elsewhere, "model.safetensors", "safetensors file", described=OWN)


def test_weights_saved_by_the_library_are_accepted(tmp_path):
    numpy, library = pytest.importorskip("numpy"), pytest.importorskip("safetensors.numpy")
    from animepose_blender.store.contents import check_contents

    tensors = {"a": numpy.zeros((3, 5), numpy.float16), "b": numpy.ones((), numpy.int64), "c": numpy.zeros((0, 4))}
    library.save_file(tensors, tmp_path / "x.safetensors", {"about": "this"})
    check_contents(tmp_path / "x.safetensors")


def test_a_zip_that_grows_absurdly_is_refused(site, elsewhere, tmp_path):
    source = tmp_path / "bomb.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", CONFIG)
        archive.writestr("model.safetensors", bytes(30_000_000))
    assert_refused(site, source, elsewhere, "30000000 bytes", described=OWN)


def test_a_zip_with_endless_files_is_refused(site, elsewhere, tmp_path, monkeypatch):
    monkeypatch.setattr(carried, "MOST_FILES", 10)
    source = zipped(tmp_path / "many.zip", {f"{number}.json": b"{}" for number in range(20)})
    assert_refused(site, source, elsewhere, "more than 10 files", described=OWN)


def test_a_damaged_zip_changes_nothing(site, export, elsewhere):
    data = bytearray(export.read_bytes())
    data[len(data) // 2] ^= 255
    export.write_bytes(data)
    assert_refused(site, export, elsewhere, "model.safetensors")
    export.write_bytes(data[: len(data) // 3])
    assert_refused(site, export, elsewhere, "studio.zip")


def test_what_is_not_there_is_told(site, elsewhere, tmp_path):
    assert_refused(site, tmp_path / "nothing", elsewhere, "no file or folder")
    (tmp_path / "empty").mkdir()
    assert_refused(site, tmp_path / "empty", elsewhere, "no weights")


def test_a_cancel_changes_nothing(site, export, elsewhere):
    cancelled = threading.Event()
    with pytest.raises(Cancelled):
        bring_in(export, site.catalogue, None, lambda _: cancelled.set(), cancelled, store=elsewhere)
    assert look_up("tiny-pose", elsewhere).presence is Presence.ABSENT
    assert [path.name for path in elsewhere.iterdir()] == [".locks"]


def test_an_export_that_cannot_be_written_leaves_nothing(site, tmp_path):
    with pytest.raises(AnimePoseError, match="animepose models fetch tiny-pose"):
        carry_out(["tiny-pose"], tmp_path / "x.zip", store=site.store)
    site.fetch()
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        carry_out(["tiny-pose"], tmp_path / "x.zip", cancelled=cancelled, store=site.store)
    with pytest.raises(AnimePoseError, match="cannot be written"):
        carry_out(["tiny-pose"], tmp_path / "no" / "x.zip", store=site.store)
    with pytest.raises(AnimePoseError, match="nothing to export"):
        carry_out(["temporal-lifter"], tmp_path / "x.zip", store=site.store)
    assert not list(tmp_path.glob("*x.zip*"))
