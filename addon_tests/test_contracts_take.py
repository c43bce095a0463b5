"""The take: what goes in comes out, and what breaks the contract is refused with a reason."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.take import SCHEMA_VERSION, State, Take

ARRAYS = [field.name for field in dataclasses.fields(Take) if field.name not in ("source", "extras")]


@pytest.fixture
def take():
    return walking_take(people=2, frames=20)


def members(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def save_changed(take, path, **changes):
    take.save(path)
    data = {**members(path), **changes}
    np.savez(path, **{name: value for name, value in data.items() if value is not None})
    return path


def test_a_saved_take_loads_with_every_field_the_same(take, tmp_path):
    take.extras["hand_joints_m"] = np.arange(6.0).reshape(2, 3)
    assert take.save(tmp_path / "new folder" / "a.take.npz") == tmp_path / "new folder" / "a.take.npz"
    loaded = Take.load(tmp_path / "new folder" / "a.take.npz")
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(take, name), err_msg=name)
        assert getattr(loaded, name).dtype == getattr(take, name).dtype, name
    assert loaded.source == take.source
    np.testing.assert_array_equal(loaded.extras["hand_joints_m"], take.extras["hand_joints_m"])


def test_a_take_without_people_is_a_take(take, tmp_path):
    empty = {name: getattr(take, name)[:0] for name in ARRAYS if getattr(take, name).shape[0] == 2}
    dataclasses.replace(take, **empty).save(tmp_path / "empty.npz")
    assert Take.load(tmp_path / "empty.npz").person_count == 0


def test_the_file_can_be_read_with_numpy_alone(take, tmp_path):
    data = members(take.save(tmp_path / "a.npz"))
    assert int(data["schema_version"]) == SCHEMA_VERSION
    assert json.loads(str(data["source"]))["preset"] == "dummy"
    assert set(data) == {*ARRAYS, "source", "schema_version"}


def test_floats_are_stored_single_and_times_and_cameras_double(take):
    assert take.joints_world_m.dtype == np.float32
    assert take.frame_time_s.dtype == take.intrinsics.dtype == take.camera_to_world.dtype == np.float64


def test_a_newer_version_is_refused_and_names_both_versions(take, tmp_path):
    path = save_changed(take, tmp_path / "new.npz", schema_version=np.int32(SCHEMA_VERSION + 1))
    with pytest.raises(AnimePoseError, match=f"version {SCHEMA_VERSION + 1}, known up to {SCHEMA_VERSION}") as refusal:
        Take.load(path)
    assert "Update" in refusal.value.remedy
    assert refusal.value.exit_code == ExitCode.BAD_INPUT


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(take, tmp_path, share):
    path = take.save(tmp_path / "cut.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(AnimePoseError, match="is not a take"):
        Take.load(path)


def test_a_file_with_damaged_bytes_is_refused(take, tmp_path):
    path = take.save(tmp_path / "damaged.npz")
    with zipfile.ZipFile(path) as archive:
        info = max(archive.infolist(), key=lambda member: member.compress_size)
    data = bytearray(path.read_bytes())
    middle = info.header_offset + info.compress_size // 2
    data[middle : middle + 64] = bytes(64)
    path.write_bytes(data)
    with pytest.raises(AnimePoseError, match="is not a take"):
        Take.load(path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    np.save(tmp_path / "single.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("text.npz", "single.npy", "other.npz"):
        with pytest.raises(AnimePoseError, match="is not a take"):
            Take.load(tmp_path / name)
    with pytest.raises(AnimePoseError, match="no take at"):
        Take.load(tmp_path / "none.npz")
    with pytest.raises(AnimePoseError, match="is not a take"):
        Take.load(tmp_path)


def test_nothing_in_a_take_is_unpickled(take, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.system, ("exit 1",)

    path = save_changed(take, tmp_path / "bomb.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("hand_x.npy", pickle.dumps(Bomb()))
    with pytest.raises(AnimePoseError, match="hand_x"):
        Take.load(path)
    path = save_changed(take, tmp_path / "object.npz", hand_y=np.array([{}], dtype=object))
    with pytest.raises(AnimePoseError, match="is not a take"):
        Take.load(path)


@pytest.mark.parametrize("name", [*ARRAYS, "source"])
def test_a_missing_field_is_named(take, tmp_path, name):
    with pytest.raises(AnimePoseError, match=f"{name}.* missing"):
        Take.load(save_changed(take, tmp_path / "part.npz", **{name: None}))


def test_fields_that_cannot_be_understood_are_refused(take, tmp_path):
    for changes in (
        {"source": np.array("no json")},
        {"source": np.array("[1]")},
        {"schema_version": np.array("one")},
        {"joints_world_m": np.array(["a", "b"])},
    ):
        with pytest.raises(AnimePoseError, match=r"not a take|not valid"):
            Take.load(save_changed(take, tmp_path / "odd.npz", **changes))


def test_unknown_fields_are_refused_and_optional_ones_are_not(take):
    dataclasses.replace(take, extras={"face_points_px": np.zeros(3)})
    with pytest.raises(AnimePoseError, match="unknown field 'feet'"):
        dataclasses.replace(take, extras={"feet": np.zeros(3)})


@pytest.mark.parametrize(
    "pictures",
    [np.zeros((1, 96, 96, 3), np.uint8), np.zeros((2, 64, 96, 3), np.uint8), np.zeros((2, 96, 96, 3), np.float32)],
    ids=["of one person", "too small", "of floats"],
)
def test_pictures_of_the_people_are_checked(take, pictures):
    two = dataclasses.replace(take, extras={"thumbnails": np.zeros((take.person_count, 96, 96, 3), np.uint8)})
    assert two.person_count == 2
    with pytest.raises(AnimePoseError, match="thumbnails"):
        dataclasses.replace(take, extras={"thumbnails": pictures})


def hand_fields(take):
    people, frames = take.state.shape
    return {
        "hand_keypoints_px": np.full((people, frames, 2, 21, 2), np.nan, np.float32),
        "hand_confidence": np.zeros((people, frames, 2), np.float32),
        "hand_rotations": np.tile(np.float32([1, 0, 0, 0]), (people, frames, 2, 15, 1)),
        "hand_bone_length_m": np.full((people, 2, 20), 0.03, np.float32),
    }


def test_hands_are_kept_and_a_take_without_them_has_no_fingers(take, tmp_path):
    assert not take.has_fingers
    with_hands = dataclasses.replace(take, extras=hand_fields(take))
    assert with_hands.has_fingers
    again = Take.load(with_hands.save(tmp_path / "hands.take.npz"))
    for name, values in with_hands.extras.items():
        np.testing.assert_array_equal(again.extras[name], values)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hand_rotations", None, "only"),
        (
            "hand_keypoints_px",
            np.zeros((2, 20, 2, 20, 2)),
            r"hand_keypoints_px is float64 \(2, 20, 2, 20, 2\), expected",
        ),
        ("hand_confidence", np.full((2, 20, 2), 1.5), "hand_confidence holds values outside 0 to 1"),
        ("hand_confidence", np.zeros((2, 20, 2), int), "hand_confidence is int"),
        ("hand_rotations", np.full((2, 20, 2, 15, 4), 0.4), "hand_rotations .*unit length"),
        ("hand_rotations", np.full((2, 20, 2, 15, 4), np.nan), "hand_rotations .*unit length"),
        ("hand_bone_length_m", np.zeros((2, 2, 20)), "hand_bone_length_m .*not above 0"),
    ],
)
def test_hands_that_break_the_contract_are_refused(take, name, value, message):
    fields = {key: values for key, values in {**hand_fields(take), name: value}.items() if values is not None}
    with pytest.raises(AnimePoseError, match=message):
        dataclasses.replace(take, extras=fields)


def test_a_wrong_shape_is_refused_with_both_shapes(take):
    with pytest.raises(AnimePoseError, match=r"contact has shape \(2, 20, 3\).*\(2, 20, 4\)"):
        dataclasses.replace(take, contact=take.contact[..., :3])


def broken(take, name, where, value):
    array = getattr(take, name).copy()
    array[where] = value
    return {name: array}


@pytest.mark.parametrize(
    ("name", "where", "value", "message"),
    [
        ("frame_time_s", 5, 0.0, "does not increase"),
        ("frame_time_s", 5, np.nan, "frame_time_s holds values that are not finite"),
        ("intrinsics", (3, 0, 0), np.inf, "intrinsics holds values that are not finite"),
        ("bone_length_m", (0, 3), np.nan, "bone_length_m"),
        ("person_id", slice(None), 4, "same id twice"),
        ("state", (0, 0), 7, "state holds 7"),
        ("contact", (0, 0, 0), 1.5, "contact holds values outside"),
        ("joint_confidence", (0, 0, 0), -0.1, "joint_confidence holds values outside"),
        ("joints_world_m", (0, 0, 4), np.nan, "joints_world_m is not finite"),
        ("root_world_m", (0, 0), np.nan, "root_world_m is not finite"),
        ("rotations", (0, 0, 2), 0.7, "not of unit length"),
    ],
)
def test_values_that_break_the_contract_are_refused(take, name, where, value, message):
    assert take.state[0, 0] == State.OBSERVED
    with pytest.raises(AnimePoseError, match=message):
        dataclasses.replace(take, **broken(take, name, where, value))


def test_a_take_without_frames_is_refused(take):
    by_person = {name: getattr(take, name)[:, :0] for name in ARRAYS if getattr(take, name).shape[:2] == (2, 20)}
    by_frame = {name: getattr(take, name)[:0] for name in ("frame_time_s", "intrinsics", "camera_to_world")}
    with pytest.raises(AnimePoseError, match="no frames"):
        dataclasses.replace(take, **by_person, **by_frame)


def test_a_folder_that_cannot_be_written_is_told_and_leaves_nothing(take, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AnimePoseError, match="could not be written"):
        take.save(tmp_path / "file" / "a.take.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_midway_leaves_the_old_take_and_no_remains(take, tmp_path, monkeypatch):
    path = take.save(tmp_path / "a.take.npz")
    before = path.read_bytes()

    def full_disk(file, **_):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(AnimePoseError, match="No space left"):
        take.save(path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.take.npz"]
