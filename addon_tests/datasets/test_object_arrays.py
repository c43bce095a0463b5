"""Dictionaries of arrays in .npz files, read without unpickling."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.datasets import object_arrays


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_nested_arrays_are_read_as_numpy_would(tmp_path, rng, protocol):
    nested = {
        "S9": {"a": rng.normal(size=(4, 3)).astype(np.float32), "b": np.arange(6, dtype=">i4").reshape(2, 3)},
        "list": [np.float64(2.5), 3, -7, 2**40, "text", None, True, rng.normal(size=(2, 3)).T],
        "same": [np.ones(3)] * 2,
        "deeper": np.array([{"x": np.zeros(2)}, None], dtype=object),
    }
    header = np.lib.format.header_data_from_array_1_0(np.array(nested, dtype=object))
    with open(tmp_path / "positions_3d.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        pickle.dump(np.array(nested, dtype=object), file, protocol=protocol)
    with zipfile.ZipFile(tmp_path / "nested.npz", "w") as archive:
        archive.write(tmp_path / "positions_3d.npy", "positions_3d.npy")
    if protocol == 5:  # arrays go out of line or by another way, which nobody uses for .npz
        with pytest.raises(AnimePoseError, match="more than plain data"):
            object_arrays.read_nested(tmp_path / "nested.npz", "positions_3d", "Remedy.")
        return
    result = object_arrays.read_nested(tmp_path / "nested.npz", "positions_3d", "Remedy.")
    np.testing.assert_array_equal(result["S9"]["a"], nested["S9"]["a"])
    np.testing.assert_array_equal(result["S9"]["b"], nested["S9"]["b"])
    assert result["list"][:7] == [2.5, 3, -7, 2**40, "text", None, True]
    np.testing.assert_array_equal(result["list"][7], nested["list"][7])
    np.testing.assert_array_equal(result["same"][1], np.ones(3))
    np.testing.assert_array_equal(result["deeper"][0]["x"], np.zeros(2))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize(
    "value", [{"a": Evil()}, {"a": {1, 2}}, {"a": np.array(["text"])}, {"a": 1 + 2j}, {"f": os.mkdir}]
)
def test_anything_but_plain_data_is_refused_and_nothing_is_run(tmp_path, monkeypatch, value):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "evil.npz", positions_3d=np.array(value, dtype=object))
    with pytest.raises(AnimePoseError, match=r"more than plain data|not of numbers"):
        object_arrays.read_nested(tmp_path / "evil.npz", "positions_3d", "Remedy.")
    assert not (tmp_path / "evil").exists()


def test_damaged_and_missing_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", positions_3d={"a": np.zeros(100)})
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    np.savez(tmp_path / "plain.npz", positions_3d=np.arange(6.0).reshape(2, 3))
    for name in ("half.npz", "none.npz"):
        with pytest.raises(AnimePoseError):
            object_arrays.read_nested(tmp_path / name, "positions_3d", "Remedy.")
    with pytest.raises(AnimePoseError, match="no member 'x'"):
        object_arrays.read_nested(tmp_path / "a.npz", "x", "Remedy.")
    plain = object_arrays.read_nested(tmp_path / "plain.npz", "positions_3d", "Remedy.")
    np.testing.assert_array_equal(plain, np.arange(6.0).reshape(2, 3))
