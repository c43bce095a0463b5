"""The reader of PoseTrack18, on small files in its form."""

from __future__ import annotations

import json

import pytest

from animepose_blender.core import cameras
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.datasets import posetrack18
from animepose_blender.estimate.datasets.takes import joints_camera_m
from animepose_blender.estimate.metrics.conventions import POSETRACK_15, to_convention

FRAMES = 24


NAMES = [
    "nose",
    "head_bottom",
    "head_top",
    "left_ear",
    "right_ear",
    *[n for n in POSETRACK_15 if "_" in n and "head" not in n],
]


def pose_px(x, y=100.0):
    """{name: (x, y)} of somebody."""
    return {name: (x + 3.0 * i, y + 10.0 * i) for i, name in enumerate(POSETRACK_15)}


def entry(image, track, points, **fields):
    keypoints = [value for name in NAMES for value in ((*points[name], 1) if name in points else (0, 0, 0))]
    # 0.6 of this diagonal is 30 px, so that 15 px are within half a head.
    return {"image_id": image, "track_id": track, "keypoints": keypoints, "bbox_head": [0, 0, 30, 40], **fields}


def video(annotations, images=5, **regions):
    return {
        "images": [{"id": 100 + i, "file_name": f"{i}.jpg", **(regions if i == 0 else {})} for i in range(images)],
        "annotations": annotations,
        "categories": [{"name": "person", "id": 1, "keypoints": NAMES}],
    }


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_estimates_that_are_the_annotation_score_perfectly_in_posetrack18(tmp_path, evaluated):
    annotation = video([entry(100 + i, track, pose_px(200.0 * track + i)) for i in range(5) for track in (1, 2)])
    truth = write_json(tmp_path / "val" / "000342.json", annotation)
    estimate = write_json(tmp_path / "out" / "000342.json", annotation)
    for words in ([estimate, "--truth", truth], [tmp_path / "out", "--truth", tmp_path / "val"]):
        result = evaluated([*words, "--format", "posetrack18"])
        assert result["sequences"]["000342"] == result["average"]
        figures = result["average"]
        assert (figures["joint_mota"], figures["joint_motp"], figures["joint_mota_strict"]) == (100.0, 100.0, 100.0)
        assert (figures["joint_misses"], figures["joint_false_positives"], figures["joint_switches"]) == (0, 0, 0)


def test_misses_inventions_and_switches_lower_the_joint_mota_as_worked_out_by_hand(tmp_path):
    truth = video([entry(100 + i, 1, pose_px(200.0)) for i in range(5)])
    ours = [entry(100, 7, pose_px(203.0)), entry(101, 8, pose_px(203.0)), entry(102, 8, pose_px(900.0))]
    ours += [entry(103, 8, pose_px(200.0)), entry(104, 8, pose_px(200.0))]
    write_json(tmp_path / "a.json", truth)
    write_json(tmp_path / "b.json", video(ours))
    result = posetrack18.evaluate_predictions([str(tmp_path / "b.json")], str(tmp_path / "a.json"))["average"]
    # The evaluator leaves out the last picture: of 4 joints one is missed, one invented, one switched.
    assert result["joint_mota"] == pytest.approx(100 * (1 - 3 / 4))
    assert result["joint_mota_strict"] == pytest.approx(100 * (1 - 3 / 5))
    assert result["joint_motp"] == pytest.approx(100 * (1 - (0.1 + 0.1 + 0) / 3))
    assert (result["joint_precision"], result["joint_recall"]) == (pytest.approx(75.0), pytest.approx(75.0))
    assert result["joint_switches"] == 15


def test_a_picture_with_nobody_estimated_counts_as_the_evaluator_has_it(tmp_path):
    truth = video([entry(100 + i, track, pose_px(200.0 * track)) for i in range(3) for track in (1, 2)], images=3)
    ours = [e for e in truth["annotations"] if e["image_id"] != 101]
    write_json(tmp_path / "a.json", truth)
    write_json(tmp_path / "b.json", {**truth, "annotations": ours})
    result = posetrack18.evaluate_predictions([str(tmp_path / "b.json")], str(tmp_path / "a.json"))["average"]
    # Two pictures: in the first 2 of 2, in the second 1 miss and 1 invention in the place of 2 misses.
    assert result["joint_mota"] == pytest.approx(100 * (1 - 2 / 3))
    assert result["joint_mota_strict"] == pytest.approx(100 * (1 - 2 / 6))


def test_joints_in_ignored_regions_count_for_neither_side(tmp_path):
    region = {"ignore_regions_x": [[800, 1000, 1000, 800]], "ignore_regions_y": [[0, 0, 400, 400]]}
    truth = video([entry(100 + i, 1, pose_px(200.0)) for i in range(2)], images=2, **region)
    ours = [*truth["annotations"], entry(100, 9, pose_px(850.0))]
    write_json(tmp_path / "a.json", truth)
    write_json(tmp_path / "b.json", {**truth, "annotations": ours})
    assert posetrack18.evaluate_predictions([str(tmp_path / "b.json")], str(tmp_path / "a.json"))["average"][
        "joint_mota"
    ] == pytest.approx(100.0)
    ours[-1] = entry(100, 9, pose_px(500.0))
    write_json(tmp_path / "b.json", {**truth, "annotations": ours})
    assert posetrack18.evaluate_predictions([str(tmp_path / "b.json")], str(tmp_path / "a.json"))["average"][
        "joint_mota"
    ] == pytest.approx(0.0)


def test_joints_and_pictures_without_annotation_are_not_asked_for(tmp_path):
    without = {name: point for name, point in pose_px(200.0).items() if name != "nose"}
    truth = video([entry(100, 1, without), entry(101, 1, without)], images=4)
    ours = [entry(100 + i, 1, without) for i in range(4)]
    write_json(tmp_path / "a.json", truth)
    write_json(tmp_path / "b.json", video(ours, images=4))
    result = posetrack18.evaluate_predictions([str(tmp_path / "b.json")], str(tmp_path / "a.json"))["average"]
    assert (result["joint_mota"], result["per_joint_mota"]["nose"]) == (100.0, None)
    assert result["joint_mota_strict"] == 100.0


def test_videos_are_added_up_before_the_mean_over_joints(tmp_path):
    for name, images in (("one", 5), ("two", 9)):
        truth = video([entry(100 + i, 1, pose_px(200.0)) for i in range(images)], images=images)
        write_json(tmp_path / "val" / f"{name}.json", truth)
        far = [entry(100 + i, 1, pose_px(200.0 if name == "one" else 900.0)) for i in range(images)]
        write_json(tmp_path / "out" / f"{name}.json", video(far, images=images))
    result = posetrack18.evaluate_predictions([str(tmp_path / "out")], str(tmp_path / "val"))
    assert result["sequences"]["one"]["joint_mota"] == 100.0
    assert result["sequences"]["two"]["joint_mota"] == -100.0
    assert result["average"]["joint_mota"] == pytest.approx(100 * (1 - 16 / 12))


def test_a_take_is_compared_with_the_annotations_of_its_video(tmp_path, take, evaluated):
    points_px = to_convention("posetrack_15", cameras.project(joints_camera_m(take), take.intrinsics))
    annotations = [
        entry(100 + f, p, dict(zip(POSETRACK_15, points_px[p, f].tolist()))) for f in range(FRAMES) for p in range(2)
    ]
    write_json(tmp_path / "walk.json", video(annotations, images=FRAMES))
    take.save(tmp_path / "walk.take.npz")
    words = [tmp_path / "walk.take.npz", "--truth", tmp_path / "walk.json", "--format", "posetrack18"]
    assert evaluated(words)["average"]["joint_mota"] == pytest.approx(100.0)


@pytest.mark.parametrize("content", ["no json", "[]", '{"annolist": []}', json.dumps(video([{"image_id": 100}]))])
def test_files_in_another_form_are_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(AnimePoseError, match="not in the form of PoseTrack18"):
        posetrack18.evaluate_predictions([str(tmp_path / "a.json")], str(tmp_path / "a.json"))


def test_estimates_without_an_annotation_are_refused(tmp_path):
    for name in ("val/a", "val/b", "out/c"):
        write_json(tmp_path / f"{name}.json", video([]))
    with pytest.raises(AnimePoseError, match="no annotation of its name"):
        posetrack18.evaluate_predictions([str(tmp_path / "out")], str(tmp_path / "val"))
    with pytest.raises(AnimePoseError, match="no file"):
        posetrack18.evaluate_predictions([str(tmp_path / "none.json")], str(tmp_path / "val" / "a.json"))
