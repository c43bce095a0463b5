"""The reader of MuPoTS-3D, on small files in its form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.io import savemat

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.datasets import mupots
from animepose_blender.estimate.datasets.takes import joints_camera_m
from animepose_blender.estimate.metrics.conventions import to_convention
from animepose_blender.take import State

FRAMES = 24


def cells(values):
    """A MATLAB cell array of (F, T) things."""
    array = np.empty((len(values), len(values[0])), dtype=object)
    for frame, row in enumerate(values):
        for person, value in enumerate(row):
            array[frame, person] = value
    return array


def write_mupots(folder, take, universal=1.0, valid=None, occluded=None):
    """TS1 as the data set has it, its people being those of the take."""
    camera_m = joints_camera_m(take)
    points_mm = to_convention("mupots_17", camera_m * 1000)
    points_px = to_convention("mupots_17", cameras.project(camera_m, take.intrinsics))
    people, frames = points_mm.shape[:2]
    valid = np.ones((people, frames), bool) if valid is None else valid
    occluded = np.zeros((people, frames, 17)) if occluded is None else occluded
    folder.mkdir(parents=True)
    annotations = cells(
        [
            [
                {
                    "annot2": points_px[p, f].T,
                    "annot3": points_mm[p, f].T,
                    "univ_annot3": points_mm[p, f].T * universal,
                    "isValidFrame": np.array([[valid[p, f]]], np.uint8),
                }
                for p in range(people)
            ]
            for f in range(frames)
        ]
    )
    labels = cells([[occluded[p, f][None] for p in range(people)] for f in range(frames)])
    savemat(folder / "annot.mat", {"annotations": annotations})
    savemat(folder / "occlusion.mat", {"occlusion_labels": labels})


def test_a_take_that_is_the_annotation_scores_perfectly_in_mupots(tmp_path, take, evaluated):
    write_mupots(tmp_path / "data" / "MultiPersonTestSet" / "TS1", take)
    take.save(tmp_path / "TS1.take.npz")
    for truth in (
        tmp_path / "data",
        tmp_path / "data" / "MultiPersonTestSet",
        tmp_path / "data/MultiPersonTestSet/TS1",
    ):
        result = evaluated([tmp_path / "TS1.take.npz", "--truth", truth, "--format", "mupots"])
        figures = result["sequences"]["TS1"]
        for name in ("pck150_rel", "pck150_abs", "pck150_abs_metric", "ap_root25", "pck150_rel_visible"):
            assert figures[name] == 100.0, name
        assert (figures["idf1"], figures["hota"], figures["coverage"]) == (1.0, pytest.approx(1.0), 1.0)
        assert figures["mrpe_mm"] == pytest.approx(0.0, abs=1e-2)
        assert figures["pck150_rel_occluded"] is None
        assert (figures["frames"], figures["person_frames"]) == (FRAMES, 2 * FRAMES)
        assert result["average"]["pck150_rel"] == 100.0


def test_mupots_fields_come_out_as_they_were_put_in(tmp_path, take):
    valid = np.ones((2, FRAMES), bool)
    valid[1, 3:9] = False
    occluded = np.zeros((2, FRAMES, 17))
    occluded[0, 5, 4] = 1
    write_mupots(tmp_path / "TS7", take, universal=0.9, valid=valid, occluded=occluded)
    sequence = mupots.read_sequence(tmp_path / "TS7")
    expected_mm = to_convention("mupots_17", joints_camera_m(take) * 1000)
    np.testing.assert_allclose(sequence.metric_mm, expected_mm)
    np.testing.assert_allclose(sequence.universal_mm, 0.9 * expected_mm)
    assert sequence.points_px.shape == (2, FRAMES, 17, 2)
    np.testing.assert_array_equal(sequence.valid, valid)
    np.testing.assert_array_equal(sequence.occluded, occluded > 0)


def test_the_universal_skeleton_is_the_one_that_published_figures_are_against(tmp_path, take):
    write_mupots(tmp_path / "TS1", take, universal=0.9)
    figures = mupots.evaluate_sequence(take, tmp_path / "TS1")
    # A tenth of 4 m and more is beyond 150 mm; bones are rescaled, so that the pose is not off.
    assert (figures["pck150_rel"], figures["pck150_abs"], figures["pck150_abs_metric"]) == (100.0, 0.0, 100.0)


def test_people_who_are_not_valid_are_not_asked_for_and_missed_ones_are_wrong(tmp_path, take):
    valid = np.ones((2, FRAMES), bool)
    valid[1, :12] = False
    write_mupots(tmp_path / "TS1", take, valid=valid)
    state = take.state.copy()
    state[1] = State.ABSENT
    figures = mupots.evaluate_sequence(dataclasses.replace(take, state=state), tmp_path / "TS1")
    assert figures["coverage"] == pytest.approx(24 / 36)
    assert figures["pck150_rel"] == pytest.approx(100 * 24 / 36)
    assert figures["pck150_rel_matched"] == 100.0


@pytest.mark.parametrize(
    ("name", "sequence"),
    [("TS1.take.npz", "TS1"), ("mupots_ts07.npz", "TS7"), ("TS20_offline.npz", "TS20"), ("x/TS3 b.take.npz", "TS3")],
)
def test_a_takes_name_tells_its_sequence(name, sequence):
    assert mupots.sequence_name(name) == sequence


@pytest.mark.parametrize("name", ["walk.npz", "TS21.npz", "TS0.npz", "BOTS1.npz"])
def test_a_take_whose_name_tells_no_sequence_is_refused(name):
    with pytest.raises(AnimePoseError, match="does not tell"):
        mupots.sequence_name(name)


def test_mupots_files_that_cannot_be_used_are_refused_with_a_reason(tmp_path, take):
    write_mupots(tmp_path / "TS1", take)
    with pytest.raises(AnimePoseError, match="24 annotated frames, its take has 12"):
        mupots.evaluate_sequence(walking_take(people=1, frames=12, gaps=False), tmp_path / "TS1")
    take.save(tmp_path / "TS2.npz")
    with pytest.raises(AnimePoseError, match=r"no TS2/annot\.mat"):
        mupots.evaluate_takes([str(tmp_path / "TS2.npz")], str(tmp_path))
    savemat(tmp_path / "TS1" / "annot.mat", {"annotations": cells([[{"annot2": np.zeros((2, 17))}]])})
    savemat(tmp_path / "TS1" / "occlusion.mat", {"occlusion_labels": cells([[np.zeros((1, 17))]])})
    with pytest.raises(AnimePoseError, match="lack annot3"):
        mupots.read_sequence(tmp_path / "TS1")
    (tmp_path / "TS1" / "annot.mat").write_bytes(b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM" + b"\x00" * 400)
    with pytest.raises(AnimePoseError, match=r"7\.3"):
        mupots.read_sequence(tmp_path / "TS1")
    (tmp_path / "TS1" / "annot.mat").write_text("no MATLAB")
    with pytest.raises(AnimePoseError, match="holds no annotations"):
        mupots.read_sequence(tmp_path / "TS1")
