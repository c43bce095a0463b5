"""The whole pipeline with its real network, on half a second of the demo clip; and every way in which it ends early."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="the preset `offline` needs mediapipe")

from animepose_blender.core import cameras
from animepose_blender.errors import AnimePoseError, Cancelled, ExitCode
from animepose_blender.estimate import reconstruct
from animepose_blender.estimate import run as pipeline
from animepose_blender.estimate.camera import Focal
from animepose_blender.estimate.mediapipe_pose import MediaPipePose
from animepose_blender.estimate.observe import Observed
from animepose_blender.estimate.person import Evidence
from animepose_blender.estimate.run import run
from animepose_blender.estimate.video import open_clip
from animepose_blender.host.worker_client import worker_environment
from animepose_blender.protocol import STAGES, JobRequest, Result
from animepose_blender.take import State, Take

from .clips import numbered_clip

DEMO = Path(__file__).parents[2] / "scripts" / "demo_clip" / "salsa.mp4"
TRUTH = DEMO.with_name("salsa_truth.npz")
START_S, END_S = 2.0, 2.5
FRAMES = 16
"""Of the demo clip's 30 a second, both ends counted."""


@dataclass
class Listener:
    """A reporter that remembers, and stops the run when a stage begins."""

    cancel_at: str | None = None
    stages: list[str] = field(default_factory=list)
    fractions: list[tuple[str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def progress(self, stage: str, stage_fraction: float) -> None:
        if not self.stages or self.stages[-1] != stage:
            self.stages.append(stage)
        self.fractions.append((stage, stage_fraction))
        if stage == self.cancel_at:
            raise Cancelled

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def check_cancelled(self) -> None:
        if self.cancel_at == "last moment":
            raise Cancelled


@pytest.fixture(scope="module")
def demo() -> Path:
    if not DEMO.is_file():
        pytest.skip("the demo clip is not there")
    return DEMO


def _job(clip: Path, take: Path, **settings) -> JobRequest:
    return JobRequest(str(clip), str(take), **{"start_s": START_S, "end_s": END_S, **settings})


@dataclass
class Done:
    """A run that went through."""

    job: JobRequest
    result: Result
    take: Take
    listener: Listener
    observed: Observed


@pytest.fixture(scope="module")
def done(demo, tmp_path_factory) -> Done:
    """One run with the real network; what it observed is kept, for the stages after it."""
    job, listener = _job(demo, tmp_path_factory.mktemp("run") / "out" / "take.npz"), Listener()
    observed = []
    observe = pipeline.observe
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "observe", lambda *arguments: observed.append(observe(*arguments)) or observed[0])
        result = run(job, listener)
    return Done(job, result, Take.load(job.take), listener, observed[0])


@pytest.fixture
def observed_before(monkeypatch, done):
    """The network's part of the run is taken from the one that is done."""

    def observe(job, clip, report, parts=None):
        report.progress("detect", 0.0)
        return done.observed

    monkeypatch.setattr(pipeline, "observe", observe)


def test_both_dancers_are_in_the_take_in_every_frame(done):
    assert (done.result.people, done.result.frames) == (2, FRAMES)
    assert done.result.take == done.job.take
    assert done.take.person_count == 2
    assert (done.take.state == State.OBSERVED).all()
    done.take.validate()


def test_times_are_those_of_the_range(done):
    np.testing.assert_allclose(done.take.frame_time_s, START_S + np.arange(FRAMES) / 30, atol=1e-6)
    assert done.take.source["start_frame"] == 60
    assert done.take.source["start_s"] == pytest.approx(START_S)


def test_the_source_says_where_everything_is_from(done, demo):
    source, clip = done.take.source, open_clip(demo)
    assert source["clip"] == str(demo.resolve())
    assert source["sha256"] == clip.sha256()
    assert source["size"] == [clip.width, clip.height]
    assert source["frame_rate"] == [30, 1]
    assert source["rotation"] == 0
    assert source["preset"] == "offline"
    assert source["focal"]["source"] == "metadata"
    assert source["motion"] == {
        "smoothness_s": 0.05, "foot_lock": "auto", "floor": "flat", "hold_still_m": 0.0, "hands": True,
    }  # fmt: skip
    assert source["models"]
    assert {"animepose", "mediapipe", "numpy"} <= set(source["versions"])
    assert all(source["versions"].values())


def test_the_stages_come_in_their_order_with_shares_from_0_to_1(done):
    assert done.listener.stages == list(STAGES)
    assert all(0 <= fraction <= 1 for _, fraction in done.listener.fractions)
    detect = [fraction for stage, fraction in done.listener.fractions if stage == "detect"]
    assert detect == sorted(detect)
    assert detect[-1] > 0.9


def test_a_clip_that_knows_its_lens_gives_no_warning(done):
    assert done.listener.warnings == []


def test_the_joints_lie_on_the_dancers_in_the_picture(done):
    take = done.take
    with np.load(TRUTH, allow_pickle=False) as truth:
        first = int(np.argmin(np.abs(truth["frame_time_s"] - START_S)))
        frames = slice(first, first + FRAMES)
        world_to_camera = np.linalg.inv(truth["camera_to_world"][frames])
        true_m = cameras.transform(world_to_camera[None], truth["joints_world_m"][:, frames].astype(float))
        true_px = cameras.project(true_m, np.broadcast_to(truth["intrinsics"][frames], (*true_m.shape[:2], 3, 3)))
    ours_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    ours_px = cameras.project(ours_m, np.broadcast_to(take.intrinsics, (*ours_m.shape[:2], 3, 3)))
    height_px = np.nanmax(true_px[..., 1]) - np.nanmin(true_px[..., 1])
    apart = np.array([[np.nanmedian(np.linalg.norm(a - b, axis=-1)) for b in true_px] for a in ours_px])
    # Each of ours lies on another one of the truth.
    assert sorted(apart.argmin(axis=1)) == [0, 1]
    assert (apart.min(axis=1) < 0.05 * height_px).all()


def test_the_file_is_whole_and_nothing_lies_beside_it(done):
    assert [path.name for path in Path(done.job.take).parent.iterdir()] == ["take.npz"]


def test_a_second_run_gives_the_same_take(done, demo, tmp_path):
    job = _job(demo, tmp_path / "again.npz")
    run(job, Listener())
    with np.load(job.take) as again, np.load(done.job.take) as before:
        assert again.files == before.files
        for name in again.files:
            np.testing.assert_array_equal(again[name], before[name], err_msg=name)


@pytest.mark.parametrize("stage", ["open", "detect"])
def test_cancelled_early_leaves_nothing(demo, tmp_path, stage):
    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz"), Listener(cancel_at=stage))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stage", ["camera", "place", "track", "solve", "write", "last moment"])
def test_cancelled_later_leaves_nothing(observed_before, demo, tmp_path, stage):
    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz"), Listener(cancel_at=stage))
    assert list(tmp_path.iterdir()) == []


def test_cancelled_amid_the_frames_stops_reading(demo, tmp_path):
    class Impatient(Listener):
        def progress(self, stage: str, stage_fraction: float) -> None:
            super().progress(stage, stage_fraction)
            if stage == "detect" and stage_fraction > 0.2:
                raise Cancelled

    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz"), Impatient())
    assert list(tmp_path.iterdir()) == []
    assert not [t for t in threading.enumerate() if t.name == "ahead" or t.name.startswith("pose")]


def test_the_networks_threads_are_stopped_however_the_run_ends(demo, tmp_path, monkeypatch):
    closed = []
    close = MediaPipePose.close
    monkeypatch.setattr(MediaPipePose, "close", lambda backend: closed.append(backend) or close(backend))

    class Impatient(Listener):
        def progress(self, stage: str, stage_fraction: float) -> None:
            if stage == "detect" and stage_fraction > 0:
                raise Cancelled

    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz"), Impatient())
    assert len(closed) == 1


def test_cancelled_leaves_an_older_take_as_it_was(observed_before, demo, tmp_path):
    (tmp_path / "take.npz").write_bytes(b"an older take")
    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz"), Listener(cancel_at="write"))
    assert (tmp_path / "take.npz").read_bytes() == b"an older take"
    assert len(list(tmp_path.iterdir())) == 1


def test_most_people_asked_for_are_kept_and_the_rest_is_told(observed_before, demo, tmp_path):
    listener = Listener()
    assert run(_job(demo, tmp_path / "take.npz", max_people=1), listener).people == 1
    assert any("more than the most people" in warning for warning in listener.warnings)


def test_who_does_not_fit_their_own_keypoints_is_no_person_and_is_told(
    observed_before, demo, tmp_path, monkeypatch, done
):
    solve = reconstruct.solve_person

    def misfit_of_the_left(evidence: Evidence, *others):
        solved = solve(evidence, *others)
        return replace(solved, misfit=1.0) if np.median(evidence.box_px[:, 0]) < left_px else solved

    left_px = np.median(np.concatenate([[o.box_px[0] for o in t.observations] for t in done.observed.tracklets]))
    monkeypatch.setattr(reconstruct, "solve_person", misfit_of_the_left)
    listener = Listener()
    assert run(_job(demo, tmp_path / "take.npz"), listener).people == 1
    assert any("1 find was left out: no person" in warning for warning in listener.warnings)


def test_a_single_frame_is_a_take_with_people_on_the_floor(demo, tmp_path):
    job = _job(demo, tmp_path / "take.npz", end_s=START_S + 0.01)
    result = run(job, Listener())
    assert (result.people, result.frames) == (2, 1)
    assert np.abs(Take.load(job.take).joints_world_m[..., 2].min(axis=-1)).max() < 0.25


def test_a_focal_length_of_the_user_sets_the_camera(observed_before, demo, tmp_path, done):
    run(_job(demo, tmp_path / "take.npz", focal_px=400.0), Listener())
    take = Take.load(tmp_path / "take.npz")
    assert (take.intrinsics[:, 0, 0] == 400.0).all()
    assert take.source["focal"] == {"px": 400.0, "source": "user"}
    # The shorter the lens, the nearer are people who look as large.
    assert np.linalg.norm(take.camera_to_world[0, :3, 3]) < np.linalg.norm(done.take.camera_to_world[0, :3, 3])


def test_a_lens_that_had_to_be_guessed_is_told_with_the_length_assumed(observed_before, demo, tmp_path, monkeypatch):
    solve = pipeline.reconstruct
    guessed = Focal(500.0, "default", 0.3)
    monkeypatch.setattr(pipeline, "reconstruct", lambda *arguments: replace(solve(*arguments), focal=guessed))
    listener = Listener()
    run(_job(demo, tmp_path / "take.npz"), listener)
    assert ["30 mm" in warning for warning in listener.warnings] == [True]
    assert Take.load(tmp_path / "take.npz").source["focal"] == {"px": 500.0, "source": "default"}


def test_a_lens_that_is_not_known_is_estimated_or_told(observed_before, demo, tmp_path, monkeypatch, done):
    known_px = done.take.source["focal"]["px"]
    monkeypatch.setattr(pipeline, "focal_of", lambda *_: Focal(known_px * 1.2, "default", 0.3))
    listener = Listener()
    run(_job(demo, tmp_path / "take.npz"), listener)
    focal = Take.load(tmp_path / "take.npz").source["focal"]
    assert focal["source"] in ("estimated", "default")
    assert (focal["source"] == "default") == any("30 mm" in warning for warning in listener.warnings)
    assert 0.5 < focal["px"] / known_px < 2


def test_the_height_of_a_dancer_sets_the_size_of_both(observed_before, demo, tmp_path, done):
    run(_job(demo, tmp_path / "take.npz", height_m=1.2, height_of=2), Listener())
    take = Take.load(tmp_path / "take.npz")
    factor = take.bone_length_m.sum(axis=1) / done.take.bone_length_m.sum(axis=1)
    assert (factor < 0.9).all()
    assert factor[1] < 0.8


def test_the_height_of_somebody_who_is_not_there_is_told(observed_before, demo, tmp_path):
    listener = Listener()
    run(_job(demo, tmp_path / "take.npz", height_m=1.8, height_of=7), listener)
    assert any("height" in warning for warning in listener.warnings)


def test_the_camera_and_its_kind_are_in_the_take(observed_before, demo, tmp_path, done):
    assert done.take.source["camera"] in ("still", "turning", "moving")
    run(_job(demo, tmp_path / "take.npz", camera="still"), Listener())
    take = Take.load(tmp_path / "take.npz")
    assert take.source["camera"] == "still"
    np.testing.assert_array_equal(take.camera_to_world, np.tile(take.camera_to_world[0], (FRAMES, 1, 1)))
    assert done.take.extras["root_sigma_m"].shape == (2, FRAMES, 2)


def test_the_take_has_a_picture_of_each_dancer_and_does_without_where_none_can_be_read(
    observed_before, demo, tmp_path, done, monkeypatch
):
    pictures = done.take.extras["thumbnails"]
    assert pictures.shape == (2, 96, 96, 3) and (pictures.std(axis=(1, 2)) > 10).all()

    def fail(*_: object) -> None:
        raise AnimePoseError("The clip is gone.")

    monkeypatch.setattr(pipeline, "thumbnails", fail)
    listener = Listener()
    run(_job(demo, tmp_path / "take.npz"), listener)
    assert "thumbnails" not in Take.load(tmp_path / "take.npz").extras
    assert any("pictures" in warning and "clip is gone" in warning for warning in listener.warnings)


def test_a_clip_without_people_says_so_and_leaves_nothing(tmp_path):
    clip = numbered_clip(tmp_path / "stripes.mp4", np.arange(6) / 25)
    with pytest.raises(AnimePoseError, match=r"Nobody was found in stripes\.mp4") as caught:
        run(JobRequest(str(clip), str(tmp_path / "out" / "take.npz")), Listener())
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["stripes.mp4"]


def test_an_unknown_setting_is_refused_by_name_before_anything_is_read(tmp_path):
    job = JobRequest("missing.mp4", str(tmp_path / "take.npz"), settings={"smoothness": 3})
    with pytest.raises(AnimePoseError, match="smoothness") as caught:
        run(job, Listener())
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_clip_that_is_missing_is_refused(tmp_path):
    with pytest.raises(AnimePoseError, match=r"missing\.mp4") as caught:
        run(JobRequest(str(tmp_path / "missing.mp4"), str(tmp_path / "take.npz")), Listener())
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert list(tmp_path.iterdir()) == []


def test_a_range_outside_the_clip_is_refused(demo, tmp_path):
    with pytest.raises(AnimePoseError, match="range starts at 60 s"):
        run(_job(demo, tmp_path / "take.npz", start_s=60.0, end_s=61.0), Listener())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(observed_before, demo, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AnimePoseError, match="could not be written") as caught:
        run(_job(demo, tmp_path / "file" / "take.npz"), Listener())
    assert str(tmp_path / "file") in caught.value.message
    assert caught.value.remedy
    assert caught.value.exit_code == ExitCode.BAD_INPUT
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_device_that_is_not_used_is_told(demo, tmp_path):
    listener = Listener(cancel_at="detect")
    with pytest.raises(Cancelled):
        run(_job(demo, tmp_path / "take.npz", device="cuda", focal_mm=35.0), listener)
    assert listener.warnings == ["The preset offline runs on the CPU; the device cuda is not used."]


def test_a_take_never_overwrites_its_clip(demo, tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(demo.read_bytes())
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    for take in (clip, link):
        with pytest.raises(AnimePoseError, match="overwrite") as caught:
            run(_job(clip, take), Listener())
        assert caught.value.exit_code == ExitCode.USAGE
    assert clip.read_bytes() == demo.read_bytes()


@pytest.mark.parametrize("take", ["folder", "file/take.npz", "file/deep/take.npz", "/"])
def test_a_take_that_cannot_be_written_is_refused_before_the_work(demo, tmp_path, take):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    listener = Listener()
    with pytest.raises(AnimePoseError, match="could not be written") as caught:
        run(_job(demo, tmp_path / take), listener)
    assert caught.value.exit_code == ExitCode.BAD_INPUT and caught.value.remedy
    assert listener.stages == ["open"]


def test_a_clip_that_is_cut_off_gives_its_good_part_and_a_warning(demo, tmp_path):
    # MP4 keeps its index at the end; in Matroska a file that is cut can still be opened.
    cut = _remuxed_and_cut(demo, tmp_path / "cut.mkv")
    listener = Listener()
    result = run(JobRequest(str(cut), str(tmp_path / "take.npz"), start_s=0.0), listener)
    assert 4 <= result.frames < 30
    assert any("can be read only up to" in warning for warning in listener.warnings)


def _remuxed_and_cut(source: Path, target: Path) -> Path:
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copy = writer.add_stream_from_template(stream)
        for packet in reader.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                writer.mux(packet)
    content = target.read_bytes()
    target.write_bytes(content[: len(content) // 10])
    return target


def test_the_preset_offline_needs_no_torch_and_others_say_what_they_need(demo, tmp_path):
    code = f"""
import sys
class Without:
    def __init__(self, finder): self.finder = finder
    def __getattr__(self, name): return getattr(self.finder, name)
    def find_spec(self, name, *more):
        return None if name.split(".")[0] in ("torch", "transformers") else self.finder.find_spec(name, *more)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.parts import open_parts
from animepose_blender.estimate.run import run
from animepose_blender.protocol import JobRequest
class Silent:
    def progress(self, *_): pass
    def warning(self, _): pass
    def check_cancelled(self): pass
run(JobRequest({str(demo)!r}, {str(tmp_path / "take.npz")!r}, end_s=0.2, focal_mm=35.0, hands=False), Silent())
try:
    open_parts(JobRequest({str(demo)!r}, "take.npz", preset="offline", depth="temporal-lifter"), Silent())
except AnimePoseError as error:
    print(error.message, error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", code], env=worker_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "torch" in done.stdout.lower() and "offline" in done.stdout
