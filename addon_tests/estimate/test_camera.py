"""The focal length comes from the best source there is."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from animepose_blender.estimate.camera import DEFAULT_35MM, Focal, focal_of, more_certain
from animepose_blender.estimate.video import Clip
from animepose_blender.protocol import JobRequest


def _clip(width: int = 1920, height: int = 1080, focal_35mm: float | None = None) -> Clip:
    return Clip(Path("clip.mp4"), width, height, Fraction(30), 90, 3.0, 0, focal_35mm)


def _job(**settings) -> JobRequest:
    return JobRequest("clip.mp4", "take.npz", **settings)


def test_pixels_of_the_user_are_taken_as_they_are():
    focal = focal_of(_job(focal_px=1234.5), _clip(focal_35mm=26.0))
    assert (focal.focal_px, focal.source) == (1234.5, "user")


def test_millimetres_of_the_user_come_before_the_metadata():
    focal = focal_of(_job(focal_mm=36.0), _clip(focal_35mm=26.0))
    assert (focal.focal_px, focal.source) == (1920.0, "user")


def test_metadata_come_before_the_default():
    focal = focal_of(_job(), _clip(focal_35mm=27.0))
    assert (focal.focal_px, focal.source) == (pytest.approx(1440.0), "metadata")


def test_where_nothing_is_known_a_default_is_used_and_named_so():
    focal = focal_of(_job(), _clip())
    assert (focal.focal_px, focal.source) == (pytest.approx(1920 * DEFAULT_35MM / 36), "default")


@pytest.mark.parametrize("settings", [{"focal_mm": 30.0}, {}])
@pytest.mark.parametrize("focal_35mm", [24.0, None])
def test_a_portrait_picture_has_the_focal_length_of_the_same_camera_held_level(settings, focal_35mm):
    upright = focal_of(_job(**settings), _clip(1080, 1920, focal_35mm))
    level = focal_of(_job(**settings), _clip(1920, 1080, focal_35mm))
    assert upright == level


def test_a_default_is_a_guess_and_all_else_is_known():
    assert focal_of(_job(), _clip()).sigma > 0.1
    for known in (focal_of(_job(focal_px=900.0), _clip()), focal_of(_job(), _clip(focal_35mm=26.0))):
        assert known.sigma == 0


def test_a_guess_and_a_finding_are_weighed_by_what_they_are_sure_of():
    guess = Focal(1000.0, "default", 0.3)
    # Log focal lengths have information 1 / sigma^2: 11.1 and 100.
    both = more_certain(guess, (2000.0, 0.1))
    assert both.focal_px == pytest.approx(1000.0 * 2 ** (100 / 111.111), rel=1e-4)
    assert both.sigma == pytest.approx(111.111**-0.5, rel=1e-4)
    assert both.source == "estimated"
    alike = more_certain(guess, (2000.0, 0.3))
    assert alike.focal_px == pytest.approx((1000.0 * 2000.0) ** 0.5)


def test_no_finding_changes_nothing_and_what_is_known_stays():
    guess, known = Focal(1000.0, "default", 0.3), Focal(1000.0, "metadata")
    assert more_certain(guess, None) == guess
    assert more_certain(known, (2000.0, 0.05)) == known
