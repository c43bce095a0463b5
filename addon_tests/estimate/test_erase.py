"""Who is erased is gone, and the rest of the picture stays."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.backends import PoseObservation, region_to_picture
from animepose_blender.estimate.erase import blur_out, erase, matte_of_others

WIDTH, HEIGHT = 320, 240
MASK = 64
GREEN, RED = (40, 120, 60), (220, 30, 30)


def _observation(region: np.ndarray, mask: np.ndarray, next_region: np.ndarray | None = None) -> PoseObservation:
    nothing = np.zeros((0, 2))
    return PoseObservation(
        landmarks_px=nothing,
        confidence=np.zeros(0),
        landmarks_m=np.zeros((0, 3)),
        region=region,
        next_region=region if next_region is None else next_region,
        mask=mask,
        box_px=np.zeros(4),
        score=1.0,
        colours=np.zeros((0, 3)),
    )


def _bar() -> np.ndarray:
    """(M, M) mask of a bar from top to bottom, a quarter of the region wide."""
    mask = np.zeros((MASK, MASK), np.uint8)
    mask[4:-4, MASK * 3 // 8 : MASK * 5 // 8] = 255
    return mask


def _region(x: float, y: float, size: float = 100.0, angle: float = 0.0) -> np.ndarray:
    return np.array([x, y, size, angle])


def _distance_from_bar(region: np.ndarray) -> np.ndarray:
    """(H, W) distance of each pixel's centre from the bar in the region, pixels, worked out by hand."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    offset = np.stack([columns - region[0], rows - region[1]], axis=-1)
    c, s = np.cos(region[3]), np.sin(region[3])
    across, along = offset @ [c, s], offset @ [-s, c]
    scale = region[2] / MASK
    return np.hypot(
        np.clip(np.abs(across) - MASK / 8 * scale, 0, None), np.clip(np.abs(along) - (MASK / 2 - 4) * scale, 0, None)
    )


def _picture(*regions: np.ndarray) -> np.ndarray:
    """A green picture with a red bar in each region."""
    picture = np.full((HEIGHT, WIDTH, 3), GREEN, np.uint8)
    for region in regions:
        picture[_distance_from_bar(region) == 0] = RED
    return picture


def _left_over(erased: np.ndarray) -> float:
    """The strongest trace of red, as a share of what was there; a mask that fits to the pixel leaves a faint rim."""
    return float((erased[..., 0].astype(int) - GREEN[0]).max() / (RED[0] - GREEN[0]))


@pytest.mark.parametrize("angle", [0.0, 0.5, -1.2, 3.0])
def test_who_is_erased_is_gone_wherever_and_however_turned(angle):
    region = _region(150, 120, 120, angle)
    picture = _picture(region)
    erased = erase(picture, [_observation(region, _bar())])
    assert _left_over(erased) < 0.5
    bar = _distance_from_bar(region) == 0
    assert np.abs(erased.astype(int) - GREEN)[bar].mean() < 0.06 * np.abs(picture.astype(int) - GREEN)[bar].mean()


def test_what_is_away_from_the_erased_stays_untouched():
    gone, stays = _region(80, 120), _region(240, 110, 90, 0.4)
    picture = _picture(gone, stays)
    before = picture.copy()
    erased = erase(picture, [_observation(gone, _bar())])
    far = _distance_from_bar(gone) > 15
    # Rounding may take one from a value.
    assert np.abs(erased.astype(int) - picture)[far].max() <= 1
    np.testing.assert_array_equal(picture, before)


def test_several_are_erased_at_once():
    regions = [_region(60, 120), _region(160, 100, 80, 0.3), _region(260, 130)]
    erased = erase(_picture(*regions), [_observation(r, _bar()) for r in regions])
    assert _left_over(erased) < 0.5


def test_somebody_half_outside_the_picture_is_erased():
    region = _region(5, 230, 120)
    erased = erase(_picture(region), [_observation(region, _bar())])
    assert _left_over(erased) < 0.5


def test_nothing_hidden_is_the_picture_itself(rng):
    picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(blur_out(picture, np.zeros((48, 64), np.uint8)), picture)


def test_a_hidden_picture_as_a_whole_does_not_break():
    blurred = blur_out(_picture(_region(100, 100)), np.full((HEIGHT, WIDTH), 255, np.uint8))
    assert blurred.shape == (HEIGHT, WIDTH, 3)
    assert blurred.dtype == np.uint8


def test_alone_nobody_is_hidden():
    own = _observation(_region(100, 100), _bar())
    assert matte_of_others(own.region, own, []) is None


def test_others_far_away_are_not_hidden():
    own, other = (_observation(_region(x, 100), _bar()) for x in (60, 260))
    assert matte_of_others(own.region, own, [(other, other.region)]) is None


def _hidden_at(matte: np.ndarray, region: np.ndarray, x: float, y: float) -> int:
    """What the matte over a region says at a place of the picture."""
    to_picture = np.vstack([region_to_picture(region, MASK), [0, 0, 1]])
    u, v, _ = np.linalg.inv(to_picture) @ [x, y, 1.0]
    return int(matte[int(v), int(u)])


def test_somebody_beside_is_hidden_and_the_person_is_not():
    own, other = (_observation(_region(x, 100), _bar()) for x in (100, 135))
    matte = matte_of_others(own.region, own, [(other, other.region)])
    assert matte.shape == (MASK, MASK)
    assert matte.dtype == np.uint8
    assert _hidden_at(matte, own.region, 135, 100) == 255
    assert _hidden_at(matte, own.region, 100, 100) == 0
    assert _hidden_at(matte, own.region, 65, 100) == 0


def test_what_is_the_persons_own_is_never_hidden():
    own, other = _observation(_region(100, 100), _bar()), _observation(_region(110, 100), _bar())
    matte = matte_of_others(own.region, own, [(other, other.region)])
    assert (matte[_bar() > 127] == 0).all()


def test_masks_are_carried_along_to_where_everybody_is_expected():
    last_own, last_other = _region(60, 100), _region(95, 100)
    own, other = _observation(last_own, _bar()), _observation(last_other, _bar())
    now, other_now = _region(100, 100), _region(135, 100)
    matte = matte_of_others(now, own, [(other, other_now)])
    assert _hidden_at(matte, now, 135, 100) == 255
    assert _hidden_at(matte, now, 100, 100) == 0
