"""Parts of the motion benchmark: its baselines' filters, what it keeps of a clip, and its tables."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.background import Tracks
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.people import Tracklet
from animepose_blender.estimate.verticals import Segments
from animepose_blender.take import State

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
TIME_S = np.arange(60) / 30.0


@pytest.fixture
def script(monkeypatch):
    """Imports a module of the scripts by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module
    for name in [n for n in sys.modules if n.split(".")[0].startswith(("motion_bench", "scene_bench", "bench_"))]:
        del sys.modules[name]


def test_one_euro_keeps_what_stands_still_and_calms_what_shakes(script, rng):
    one_euro = script("motion_bench.filters").one_euro
    still = np.full((60, 1, 3), 1.5)
    assert one_euro(still, TIME_S, 1.0, 0.0) == pytest.approx(still)
    shaken = still + rng.normal(scale=0.01, size=still.shape)
    assert one_euro(shaken, TIME_S, 1.0, 0.0)[20:].std() < 0.5 * shaken[20:].std()


def test_one_euro_without_adapting_is_a_first_order_low_pass(script):
    # After a step such a filter has come 1 - (1 - a)^k of the way, with a = 1 / (1 + rate / (2 pi cutoff)).
    step = np.ones((60, 1, 1))
    step[0] = 0.0
    share = 1 / (1 + 30.0 / (2 * np.pi * 2.0))
    way = 1 - (1 - share) ** np.arange(60)
    one_euro = script("motion_bench.filters").one_euro
    assert one_euro(step, TIME_S, 2.0, 0.0)[:, 0, 0] == pytest.approx(way)
    assert (one_euro(step, TIME_S, 2.0, 5.0)[1:20, 0, 0] > way[1:20]).all()


def test_savitzky_golay_keeps_a_parabola_and_very_short_runs(script):
    savitzky_golay = script("motion_bench.filters").savitzky_golay
    parabola = (TIME_S**2)[:, None, None]
    assert savitzky_golay(parabola, TIME_S, 0.4, 2) == pytest.approx(parabola)
    for count in (1, 2, 3, 6):
        assert savitzky_golay(parabola[:count], TIME_S[:count], 0.4, 2) == pytest.approx(parabola[:count])


def test_nothing_is_filtered_across_a_gap(script):
    values = np.zeros((60, 2, 3))
    values[30:] = 5.0
    values[28:30, 1] = np.nan
    mean = script("motion_bench.filters").by_runs(values, TIME_S, lambda run, _: np.full_like(run, run.mean()))
    assert np.isnan(mean[28:30]).all()
    assert (mean[:28] == 0.0).all()
    assert (mean[30:] == 5.0).all()


def test_what_was_observed_comes_back_from_its_file(script, tmp_path):
    store = script("motion_bench.store")
    tracklets = []
    for start in (0, 3):
        tracklet = Tracklet()
        for frame in (start, start + 1):
            points = np.full((33, 2), frame + 0.25)
            found = PoseObservation(
                points, points[:, 0], np.zeros((33, 3)), np.ones(4), np.ones(4), np.full((8, 8), 255, np.uint8),
                np.arange(4.0), 0.75, np.full((6, 3), np.nan),
            )  # fmt: skip
            tracklet.add(frame, frame / 30.0, found)
        tracklets.append(tracklet)
    track = Tracks(
        np.array([0, 1], np.int32), np.array([4, 4], np.int32), np.ones((2, 2), np.float32), 5, (64, 48), (3,)
    )
    lines = Segments(np.zeros(0, int), np.zeros((0, 2, 2)), (64, 48))
    observed = Observed(tracklets, np.arange(5) / 30.0, 0, (64, 48), track, lines)

    store.save(tmp_path / "seen.npz", observed)
    back = store.load(tmp_path / "seen.npz")

    assert [t.frames for t in back.tracklets] == [[0, 1], [3, 4]]
    assert back.size_px == (64, 48)
    assert back.background.cuts == (3,)
    assert back.lines.ends_px.shape == (0, 2, 2)
    for ours, theirs in zip(back.tracklets, tracklets, strict=True):
        assert np.isnan(ours.depths).all()
        for a, b in zip(ours.observations, theirs.observations, strict=True):
            for name, value in vars(b).items():
                np.testing.assert_array_equal(getattr(a, name), value, err_msg=name)


def test_a_file_cannot_name_a_type_of_its_own(script):
    with pytest.raises(ValueError, match="os:system"):
        script("motion_bench.store")._unpack({"type": "os:system", "fields": {}}, {})


def test_frames_of_another_state_are_left_out_of_the_comparison(script):
    take = walking_take(people=2, frames=48)
    methods = script("motion_bench.methods")
    predicted = methods.only(take, State.PREDICTED)
    assert set(np.unique(predicted.state)) <= {State.ABSENT, State.PREDICTED}
    assert (np.isfinite(predicted.joints_world_m[..., 0, 0]) == (take.state == State.PREDICTED)).all()


def test_people_whom_the_skeleton_can_be_come_back_from_the_solve(script):
    trips = script("motion_bench.trips")
    take = walking_take(people=1, frames=60, gaps=False)
    truth = Truth(
        take.frame_time_s, take.intrinsics, take.camera_to_world, take.person_id, take.joints_world_m.astype(float),
        contact=take.contact >= 0.5,
    )  # fmt: skip
    assert trips.kinematics_error_mm(take) < 1.0
    figures = trips.truth_figures(truth)
    assert figures["back_mm"] < 5.0
    assert figures["contact_recall"] == 1.0


def test_means_over_clips_leave_out_what_is_not_defined(script):
    figures = script("motion_bench.figures")
    clips = [
        {"ours": {"mpjpe_mm": 100.0, "swaps_over_1s": 1, "swap_longest_s": 0.5}},
        {"ours": {"mpjpe_mm": None, "swaps_over_1s": 2, "swap_longest_s": 0.1}},
        {},
    ]
    row = figures.averaged(clips, "ours", ["mpjpe_mm", "swaps_over_1s", "swap_longest_s"])
    assert row == {"mpjpe_mm": 100.0, "swaps_over_1s": 3.0, "swap_longest_s": 0.5}
    assert figures.table("x", {"mpjpe_mm": "mm"}, [("ours", row)])[-1] == "| ours | 100 |"


def test_made_text_goes_between_its_marks_alone(script, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- motion: begin -->\nold\n<!-- motion: end -->\nb\n")
    put_between = script("scene_bench.marks").put_between
    put_between(page, "motion", ["new"])
    assert page.read_text() == "a\n<!-- motion: begin -->\nnew\n<!-- motion: end -->\nb\n"
    with pytest.raises(SystemExit, match="other"):
        put_between(page, "other", [])
