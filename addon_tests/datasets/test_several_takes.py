"""Several takes against a folder of truths."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender import cli
from animepose_blender.skeleton import JOINTS


def test_several_takes_are_measured_against_a_folder_of_truths(tmp_path, take, evaluated, capsys):
    fields = {name: getattr(take, name) for name in ("frame_time_s", "intrinsics", "camera_to_world", "person_id")}
    (tmp_path / "truths" / "a").mkdir(parents=True)
    for path, shift_m in (("a/truth.npz", 0.0), ("b_truth.npz", 0.1)):
        joints = take.joints_world_m + shift_m * take.camera_to_world[0, :3, 2]
        np.savez(tmp_path / "truths" / path, joints_world_m=joints, joint_names=np.array(JOINTS), **fields)
    for name in "ab":
        take.save(tmp_path / f"{name}.take.npz")
    takes = [tmp_path / "a.take.npz", tmp_path / "b.take.npz"]
    result = evaluated([*takes, "--truth", tmp_path / "truths"])
    assert list(result["sequences"]) == ["a", "b"]
    assert result["average"]["mrpe_mm"] == pytest.approx(50.0, abs=0.1)
    assert "per_person" not in result["average"]
    alone = evaluated([takes[0], "--truth", tmp_path / "truths" / "a" / "truth.npz"])
    assert alone == result["sequences"]["a"]
    assert cli.main(["evaluate", *map(str, takes), "--truth", str(tmp_path / "truths" / "a" / "truth.npz")]) == 3
    take.save(tmp_path / "c.take.npz")
    assert cli.main(["evaluate", str(tmp_path / "c.take.npz"), "--truth", str(tmp_path / "truths")]) == 3
    assert "no truth of c" in capsys.readouterr().err


def test_the_form_of_the_truth_is_passed_on_to_the_workers_interpreter(tmp_path, capfd):
    wrapper = tmp_path / "python"
    wrapper.write_text('#!/bin/sh\necho "$@"\n')
    wrapper.chmod(0o755)
    words = ["evaluate", "TS1.npz", "TS2.npz", "--truth", "data", "--format", "mupots"]
    assert cli.main(words, cli.Surroundings(lambda: str(wrapper))) == 0
    assert capfd.readouterr().out.strip() == f"-s -m animepose_blender.cli {' '.join(words)}"


def test_an_unknown_form_of_truth_is_a_slip_of_the_command_line(capsys):
    assert cli.main(["evaluate", "a.npz", "--truth", "b", "--format", "coco"]) == 2
    assert "posetrack18" in capsys.readouterr().err
