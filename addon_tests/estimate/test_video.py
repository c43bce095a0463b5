"""Reading clips: every frame once, in order, upright, at its own time; and what cannot be read is told plainly."""

from __future__ import annotations

import hashlib
import resource
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.estimate.video import open_clip

from .clips import corner_picture, number_of, numbered_clip, numbered_picture, sound_only, write_clip

RATE = 25
MS = 1e-3


def _numbers(frames) -> list[int]:
    return [number_of(rgb) for _, _, rgb in frames]


def _uneven(count: int) -> np.ndarray:
    """Times of a phone: steps of 20, 40, 60 and 33 ms in turn."""
    return np.cumsum(np.r_[0.0, np.resize([0.02, 0.04, 0.06, 0.033], count - 1)])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".ts", ".h264"])
def test_every_frame_of_a_constant_rate_comes_once_in_order_at_its_time(tmp_path, suffix):
    path = numbered_clip(tmp_path / f"clip{suffix}", np.arange(40) / RATE)
    frames = list(open_clip(path).frames())
    assert _numbers(frames) == list(range(40))
    assert [index for index, _, _ in frames] == list(range(40))
    np.testing.assert_allclose([time_s for _, time_s, _ in frames], np.arange(40) / RATE, atol=MS)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_rate_keeps_the_time_of_each_frame(tmp_path, suffix):
    times = _uneven(40)
    path = numbered_clip(tmp_path / f"clip{suffix}", times)
    frames = list(open_clip(path).frames())
    assert _numbers(frames) == list(range(40))
    np.testing.assert_allclose([time_s for _, time_s, _ in frames], times, atol=MS)


def test_times_count_from_the_first_frame_of_a_clip_that_starts_late(tmp_path):
    path = numbered_clip(tmp_path / "late.ts", 7.2 + np.arange(20) / RATE)
    frames = list(open_clip(path).frames())
    assert _numbers(frames) == list(range(20))
    np.testing.assert_allclose([time_s for _, time_s, _ in frames], np.arange(20) / RATE, atol=MS)


def test_the_clip_says_its_size_rate_length_and_hash(tmp_path):
    path = numbered_clip(tmp_path / "clip.mp4", np.arange(50) / RATE)
    clip = open_clip(path)
    assert (clip.width, clip.height) == (64, 48)
    assert clip.frame_rate == RATE
    assert clip.frame_count == 50
    assert clip.duration_s == pytest.approx(2.0, abs=0.05)
    assert clip.rotation_deg == 0
    assert clip.focal_35mm is None
    assert clip.sha256() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("turned_deg", [0, 90, 180, 270])
def test_pictures_come_upright_as_opencv_shows_them(tmp_path, turned_deg):
    path = write_clip(tmp_path / "turned.mp4", [corner_picture()] * 3, np.arange(3) / RATE, rotation_deg=turned_deg)
    clip = open_clip(path)
    (_, _, rgb), *_ = clip.frames()
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    read, bgr = capture.read()
    capture.release()
    assert read
    assert rgb.shape == bgr.shape == (clip.height, clip.width, 3)
    # The two convert from YUV a little differently.
    assert np.abs(rgb.astype(int) - bgr[..., ::-1]).mean() < 3
    expected = np.rot90(corner_picture(), turned_deg // 90)
    assert np.abs(rgb.astype(int) - expected).mean() < 12


def test_a_turn_that_is_no_quarter_is_taken_for_the_nearest_one(tmp_path):
    path = write_clip(tmp_path / "askew.mp4", [corner_picture()] * 3, np.arange(3) / RATE, rotation_deg=20)
    clip = open_clip(path)
    (_, _, rgb), *_ = clip.frames()
    assert clip.rotation_deg == 0
    assert rgb.shape == (clip.height, clip.width, 3)
    assert np.abs(rgb.astype(int) - corner_picture()).mean() < 12


def test_rotation_is_the_clockwise_turn_that_makes_the_stored_picture_upright(tmp_path):
    # A player that is asked to turn by 90 counter-clockwise turns by 270 clockwise.
    path = write_clip(tmp_path / "turned.mp4", [corner_picture()] * 3, np.arange(3) / RATE, rotation_deg=90)
    assert open_clip(path).rotation_deg == 270


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(0.4, 0.8), (0.0, 0.0), (1.0, 1.04), (2.4, 3.2), (None, 0.4), (3.6, None)]
)
@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".h264"])
def test_a_range_holds_its_first_and_last_frame(tmp_path, suffix, start_s, end_s):
    # Key frames a second apart, so that seeking lands before the start.
    path = numbered_clip(tmp_path / f"long{suffix}", np.arange(100) / RATE, options={"g": "25"})
    frames = list(open_clip(path).frames(start_s, end_s))
    first = 0 if start_s is None else round(start_s * RATE)
    last = 99 if end_s is None else round(end_s * RATE)
    assert _numbers(frames) == list(range(first, last + 1))
    assert [index for index, _, _ in frames] == list(range(first, last + 1))
    np.testing.assert_allclose([time_s for _, time_s, _ in frames], np.arange(first, last + 1) / RATE, atol=MS)


def test_a_range_in_a_clip_that_starts_late_is_counted_from_its_first_frame(tmp_path):
    path = numbered_clip(tmp_path / "late.ts", 5.0 + np.arange(100) / RATE, options={"g": "25"})
    frames = list(open_clip(path).frames(2.0, 2.4))
    assert _numbers(frames) == list(range(50, 61))
    np.testing.assert_allclose([time_s for _, time_s, _ in frames], np.arange(50, 61) / RATE, atol=MS)


def test_a_moment_given_in_rounded_decimals_still_finds_its_frame(tmp_path):
    path = numbered_clip(tmp_path / "thirds.mp4", np.arange(30) / 30, rate=30)
    assert _numbers(open_clip(path).frames(0.333, 0.433)) == [10, 11, 12, 13]


def _noisy(count: int) -> list[np.ndarray]:
    """Pictures that do not compress, so that a cut in bytes is a cut in time."""
    rng = np.random.default_rng(3)
    return [rng.integers(0, 255, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


@pytest.fixture(params=["streamed.ts", "indexed.mkv", "fragmented.mp4", "index_first.mp4"])
def whole_and_cut(request, tmp_path) -> tuple[Path, Path]:
    """A clip of 60 frames, and the same file cut off after about 36 of them."""
    flags = {"fragmented.mp4": "frag_keyframe+empty_moov", "index_first.mp4": "faststart"}.get(request.param)
    whole = write_clip(
        tmp_path / request.param,
        _noisy(60),
        np.arange(60) / RATE,
        options={"g": "10", "bf": "0"},
        container_options={"movflags": flags} if flags else {},
    )
    cut = tmp_path / f"cut_{request.param}"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * 0.6)])
    return whole, cut


def test_a_truncated_file_gives_its_good_frames(whole_and_cut):
    whole, cut = whole_and_cut
    frames, expected = list(open_clip(cut).frames()), list(open_clip(whole).frames())
    assert 30 <= len(frames) <= 40
    # The very last one may be cut itself.
    for (_, time_s, rgb), (_, true_time_s, true_rgb) in zip(frames[:-1], expected, strict=False):
        assert time_s == pytest.approx(true_time_s, abs=MS)
        np.testing.assert_array_equal(rgb, true_rgb)


@pytest.mark.parametrize("whole_and_cut", ["indexed.mkv", "index_first.mp4"], indirect=True)
def test_a_file_that_ends_before_its_stated_end_is_told(whole_and_cut):
    # The others do not state their end anywhere before it.
    _, cut = whole_and_cut
    told: list[tuple[float, str]] = []
    *_, (_, last_s, _) = open_clip(cut).frames(damaged=lambda *what: told.append(what))
    ((time_s, reason),) = told
    assert time_s == last_s
    assert reason


def test_a_file_that_is_broken_in_the_middle_is_told_with_the_last_good_time(tmp_path):
    path = write_clip(tmp_path / "broken.mp4", _noisy(60), np.arange(60) / RATE, options={"g": "10", "bf": "0"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path.write_bytes(content)
    told: list[tuple[float, str]] = []
    *_, (_, last_s, _) = open_clip(path).frames(damaged=lambda *what: told.append(what))
    assert [time_s for time_s, _ in told] == [last_s]
    assert 0.5 < last_s < 1.5


def test_a_whole_clip_or_a_range_of_it_is_not_called_damaged(whole_and_cut):
    whole, _ = whole_and_cut
    told: list[tuple[float, str]] = []
    list(open_clip(whole).frames(damaged=lambda *what: told.append(what)))
    list(open_clip(whole).frames(0.2, 0.6, damaged=lambda *what: told.append(what)))
    assert told == []


def _one_plain_error(act) -> AnimePoseError:
    with pytest.raises(AnimePoseError) as caught:
        act()
    error = caught.value
    assert error.remedy
    assert error.exit_code == ExitCode.BAD_INPUT
    assert "\n" not in str(error)
    assert "Traceback" not in str(error)
    assert "Errno" not in str(error)
    return error


def test_what_is_no_video_is_refused_by_name_with_a_remedy(tmp_path):
    (tmp_path / "notes.txt").write_text("no video at all\n" * 50)
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    sound_only(tmp_path / "sound.m4a")
    for name in ("notes.txt", "noise.mp4", "empty.mp4", "folder.mp4", "sound.m4a", "missing.mp4"):
        error = _one_plain_error(lambda name=name: list(open_clip(tmp_path / name).frames()))
        assert name in error.message


def test_a_file_without_a_picture_says_what_it_holds(tmp_path):
    assert "audio" in _one_plain_error(lambda: open_clip(sound_only(tmp_path / "sound.m4a"))).message


def test_a_file_cut_off_before_its_first_frame_is_refused(tmp_path):
    whole = numbered_clip(tmp_path / "whole.mp4", np.arange(10) / RATE)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[:200])
    _one_plain_error(lambda: open_clip(cut))


@pytest.mark.parametrize(("start_s", "end_s"), [(5.0, None), (5.0, 6.0), (2.5, 3.0)])
def test_a_range_outside_the_clip_is_refused_with_its_length(tmp_path, start_s, end_s):
    clip = open_clip(numbered_clip(tmp_path / "clip.mp4", np.arange(50) / RATE))
    error = _one_plain_error(lambda: list(clip.frames(start_s, end_s)))
    assert "range" in error.remedy
    assert f"{start_s:g} s" in error.message


def test_a_range_between_two_frames_is_refused(tmp_path):
    clip = open_clip(numbered_clip(tmp_path / "slow.mp4", [0.0, 0.1, 0.2, 3.0, 3.1, 3.2]))
    _one_plain_error(lambda: list(clip.frames(1.0, 1.5)))


@pytest.mark.parametrize(
    "key", ["com.apple.quicktime.camera.focal_length.35mm_equivalent", "com.android.capture.focal_length_35mm"]
)
def test_the_focal_length_that_phones_note_is_read(tmp_path, key):
    path = write_clip(
        tmp_path / "phone.mov",
        [numbered_picture(0)] * 2,
        [0.0, 0.04],
        container_options={"movflags": "use_metadata_tags"},
        metadata={key: "26"},
    )
    assert open_clip(path).focal_35mm == 26.0


def test_a_focal_length_that_is_no_number_is_no_focal_length(tmp_path):
    path = write_clip(
        tmp_path / "phone.mov",
        [numbered_picture(0)] * 2,
        [0.0, 0.04],
        container_options={"movflags": "use_metadata_tags"},
        metadata={"com.android.capture.focal_length_35mm": "wide"},
    )
    assert open_clip(path).focal_35mm is None


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module")
def test_memory_does_not_grow_with_the_length_of_the_clip(tmp_path):
    size = (640, 480)
    path = write_clip(
        tmp_path / "long.mp4", [np.full((480, 640, 3), 90, np.uint8)] * 300, np.arange(300) / RATE, options={"g": "50"}
    )
    frames = open_clip(path).frames()
    for _ in range(60):
        next(frames)
    before = _peak_bytes()
    assert sum(1 for _ in frames) == 240
    # Kept, the 240 frames would take 220 MB.
    assert _peak_bytes() - before < 20 * size[0] * size[1] * 3


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
