"""Pictures come out as Pillow and `transformers` would give them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.resize import BICUBIC, BILINEAR, normalised, resized, resized_on_device

SIZES = [
    ((48, 64), (32, 32)),
    ((49, 67), (31, 33)),
    ((20, 30), (41, 47)),
    ((64, 20), (20, 41)),
    ((90, 51), (40, 40)),
    ((51, 90), (120, 17)),
    ((33, 33), (33, 20)),
    ((33, 33), (20, 33)),
    ((200, 300), (3, 2)),
    ((1, 1), (5, 4)),
    ((5, 4), (1, 1)),
]
"""Old and new height and width: smaller, larger, odd, one of both, portrait, extreme."""


def _pictures(height: int, width: int) -> np.ndarray:
    """(3, H, W, 3) uint8: noise, hard edges, and a smooth slope."""
    random = np.random.default_rng(height * 1000 + width)
    noise = random.integers(0, 256, (height, width, 3))
    slope = np.broadcast_to(np.linspace(0, 255, height * width).reshape(height, width, 1), noise.shape)
    return np.stack([noise, np.where(noise > 127, 255, 0), slope]).astype(np.uint8)


def _by_pillow(pictures: np.ndarray, height: int, width: int, resample: int) -> np.ndarray:
    small = [Image.fromarray(one).resize((width, height), Image.Resampling(resample)) for one in pictures]
    return np.stack([np.asarray(one) for one in small]).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("resample", [BILINEAR, BICUBIC])
@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize("resize", [resized, resized_on_device])
def test_every_bit_is_as_pillow_gives_it(resize, old: tuple[int, int], new: tuple[int, int], resample: int):
    pictures = _pictures(*old)
    height, width = new
    ours = resize(torch.from_numpy(pictures), height, width, resample)
    assert ours.dtype == torch.uint8
    assert ours.shape == (3, 3, height, width)
    np.testing.assert_array_equal(ours.numpy(), _by_pillow(pictures, height, width, resample))


def test_a_frame_of_720p_is_as_pillow_gives_it():
    pictures = _pictures(720, 1280)[:1]
    ours = resized_on_device(torch.from_numpy(pictures), 640, 640, BILINEAR)
    np.testing.assert_array_equal(ours.numpy(), _by_pillow(pictures, 640, 640, BILINEAR))


def test_of_the_same_size_nothing_changes():
    pictures = _pictures(9, 7)
    np.testing.assert_array_equal(resized(torch.from_numpy(pictures), 9, 7).numpy(), pictures.transpose(0, 3, 1, 2))


def test_the_pictures_are_left_as_they_are():
    pictures = torch.from_numpy(_pictures(12, 14))
    before = pictures.clone()
    normalised(resized_on_device(pictures, 5, 6, BICUBIC))
    exact = pictures.permute(0, 3, 1, 2).float()
    normalised(exact, [0.5] * 3, [0.2] * 3)
    assert torch.equal(pictures, before)
    assert torch.equal(exact, before.permute(0, 3, 1, 2).float())


def test_pieces_of_larger_pictures_do():
    pictures = torch.from_numpy(_pictures(40, 60))[1:, 5:31, 7:50]
    assert not pictures.is_contiguous()
    expected = _by_pillow(pictures.numpy(), 13, 17, BILINEAR)
    for resize in (resized, resized_on_device):
        np.testing.assert_array_equal(resize(pictures, 13, 17, BILINEAR).numpy(), expected)


def test_an_unknown_filter_is_refused():
    with pytest.raises(AnimePoseError, match="filter 1"):
        resized(torch.zeros(1, 4, 4, 3, dtype=torch.uint8), 2, 2, 1)


def test_numbers_are_as_transformers_gives_them():
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    picture = torch.from_numpy(_pictures(11, 13)).permute(0, 3, 1, 2)
    expected = (picture.numpy() / 255 - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]
    np.testing.assert_allclose(normalised(picture, mean, std).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(normalised(picture).numpy(), picture.numpy() / 255, atol=1e-6)
    np.testing.assert_allclose(normalised(picture, rescale=None).numpy(), picture.numpy())
    assert normalised(picture).dtype == torch.float32
