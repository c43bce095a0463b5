"""Pictures go into depth networks as `transformers`' own processor puts them, maps span the picture, and the network
for the scene is found."""

from __future__ import annotations

import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

from addon_tests.hub.tiny_pose_depth import MAX_DEPTH_M, save_tiny_depth_anything
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.depth import sample_depth
from animepose_blender.estimate.hub.depth_anything import DEPTH_CLASSES, FARTHEST, DepthAnything
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import Loaded, load_network
from animepose_blender.estimate.hub.one_by_one_pose import OneByOneDepth
from animepose_blender.estimate.hub.scene_depth import SceneDepth, choose_scene, depth_of

CPU = Device(torch.device("cpu"), torch.float32)
SIZES = [(90, 160), (160, 90), (131, 171), (70, 70), (40, 61), (300, 35)]
"""Height and width of pictures: landscape, portrait, odd, as the network has it, smaller, a strip."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    store = tmp_path_factory.mktemp("store")
    return {scene: save_tiny_depth_anything(store / scene, scene) for scene in ("indoor", "outdoor", "relative")}


def _loaded(folders: dict[str, Path], scene: str) -> Loaded:
    return load_network(folders[scene], DEPTH_CLASSES, CPU)


def _pictures(rng: np.random.Generator, height: int, width: int, count: int = 3) -> np.ndarray:
    slope = np.linspace(0, 200, width)[:, None] + np.zeros((count, height, 1, 3))
    return (slope + rng.normal(0, 40, (count, height, width, 3))).clip(0, 255).astype(np.uint8)


def _processed(processor: dict[str, Any], pictures: np.ndarray) -> torch.Tensor:
    settings = {key: value for key, value in processor.items() if key != "image_processor_type"}
    return DPTImageProcessorPil(**settings)(list(pictures), return_tensors="pt")["pixel_values"]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_inputs_are_the_processors(
    folders: dict[str, Path], rng: np.random.Generator, height: int, width: int
) -> None:  # fmt: skip
    pictures, loaded = _pictures(rng, height, width), _loaded(folders, "indoor")
    for change in ({}, {"keep_aspect_ratio": False}, {"resample": 2}, {"ensure_multiple_of": 28}):
        loaded = replace(loaded, processor=loaded.processor | change)
        ours = DepthAnything(loaded).inputs(torch.from_numpy(pictures))
        torch.testing.assert_close(ours, _processed(loaded.processor, pictures), rtol=0, atol=1e-4)


def test_sizes_are_the_processors_for_what_cameras_make(folders: dict[str, Path]) -> None:
    loaded = _loaded(folders, "indoor")
    loaded = replace(loaded, processor=loaded.processor | {"size": {"height": 518, "width": 518}})
    network = DepthAnything(loaded)
    for height, width in ((720, 1280), (1280, 720), (1080, 1920), (480, 640), (360, 640), (2160, 3840), (518, 519)):
        picture = np.zeros((1, height, width, 3), np.uint8)
        assert network.input_size(height, width) == tuple(_processed(loaded.processor, picture).shape[2:])


def test_a_strip_of_a_picture_is_not_lost(folders: dict[str, Path]) -> None:
    assert DepthAnything(_loaded(folders, "indoor")).depth(torch.zeros(1, 3, 200, 3, dtype=torch.uint8)).shape[1] == 14


@pytest.mark.parametrize("scene", ["indoor", "outdoor"])
@pytest.mark.parametrize(("height", "width"), SIZES[:3])
def test_metric_depth_is_that_of_the_whole_of_transformers(
    folders: dict[str, Path], rng: np.random.Generator, scene: str, height: int, width: int
) -> None:
    pictures, loaded = _pictures(rng, height, width), _loaded(folders, scene)
    network = DepthAnything(loaded)
    depth = network.depth(torch.from_numpy(pictures))
    with torch.no_grad():
        outputs = loaded.network(_processed(loaded.processor, pictures))
    theirs: Any = DPTImageProcessorPil().post_process_depth_estimation(outputs)
    assert network.metric and depth.dtype == np.float32
    assert depth == pytest.approx(np.stack([one["predicted_depth"].numpy() for one in theirs]), abs=1e-4 * 80)
    assert 0 <= depth.min() and depth.max() <= MAX_DEPTH_M[scene] == network.max_depth_m
    assert np.ptp(depth) > 1


def test_relative_networks_give_what_grows_with_the_depth(folders: dict[str, Path], rng: np.random.Generator) -> None:
    loaded = _loaded(folders, "relative")
    network = DepthAnything(loaded)
    pictures = _pictures(rng, 90, 160)
    depth = network.depth(torch.from_numpy(pictures))
    with torch.no_grad():
        nearness = loaded.network(_processed(loaded.processor, pictures)).predicted_depth.numpy()
    assert not network.metric
    for near, deep in zip(nearness, depth, strict=True):
        sorted_depth = deep.ravel()[np.argsort(near.ravel())]
        assert (np.diff(sorted_depth) <= 1e-3 * sorted_depth[1:]).all()
        assert np.isfinite(deep).all() and deep.max() <= FARTHEST * deep.min() * (1 + 1e-5)
        seen = near > 2 * near.max() / FARTHEST
        assert deep[seen] == pytest.approx(1 / near[seen], rel=1e-2)


def test_relative_depth_of_nothing_is_finite(folders: dict[str, Path]) -> None:
    network = DepthAnything(replace(_loaded(folders, "relative"), network=_Sees(lambda x: 0 * x, metric=False)))
    assert np.isfinite(network.depth(torch.zeros(2, 90, 160, 3, dtype=torch.uint8))).all()


def test_pictures_at_once_are_the_same_as_one_by_one(folders: dict[str, Path], rng: np.random.Generator) -> None:
    pictures, loaded = _pictures(rng, 90, 160, 5), _loaded(folders, "indoor")
    together = DepthAnything(loaded, at_once=3).depth(torch.from_numpy(pictures))
    single = OneByOneDepth(DepthAnything(loaded), CPU)
    assert single.metric
    for picture, depth in zip(pictures, together, strict=True):
        assert single.estimate(picture) == pytest.approx(depth, abs=1e-3)


def test_half_precision_gives_nearly_the_same(folders: dict[str, Path], rng: np.random.Generator) -> None:
    pictures = torch.from_numpy(_pictures(rng, 90, 160))
    half = load_network(folders["indoor"], DEPTH_CLASSES, Device(torch.device("cpu"), torch.bfloat16))
    depth = DepthAnything(half).depth(pictures)
    whole = DepthAnything(_loaded(folders, "indoor")).depth(pictures)
    assert depth.dtype == np.float32
    assert np.median(abs(depth - whole)) < 0.5


def test_no_pictures_give_no_maps(folders: dict[str, Path]) -> None:
    network = DepthAnything(_loaded(folders, "indoor"))
    assert network.depth(torch.zeros(0, 90, 160, 3, dtype=torch.uint8)).shape == (0, 70, 126)


def test_a_rim_that_the_processor_would_add_is_refused(folders: dict[str, Path]) -> None:
    loaded = _loaded(folders, "indoor")
    with pytest.raises(AnimePoseError, match="do_pad"):
        DepthAnything(replace(loaded, processor=loaded.processor | {"do_pad": True, "size_divisor": 14}))


class _Sees(torch.nn.Module):
    """Stands in for a network: its depth is a function of the picture's red, 0 to 1."""

    def __init__(self, depth_of_red: Any, metric: bool = True, max_depth: float = 80.0) -> None:
        super().__init__()
        kind = "metric" if metric else "relative"
        self.config = SimpleNamespace(depth_estimation_type=kind, max_depth=max_depth)
        self._depth_of_red = depth_of_red

    def forward(self, inputs: torch.Tensor) -> Any:
        return SimpleNamespace(predicted_depth=self._depth_of_red(inputs[:, 0]))


def _seeing(folders: dict[str, Path], scene: str, depth_of_red: Any) -> DepthAnything:
    loaded = _loaded(folders, scene)
    processor = loaded.processor | {"do_normalize": False}
    network = _Sees(depth_of_red, max_depth=MAX_DEPTH_M[scene])
    record = replace(loaded.record, title=f"Sees {scene}")
    return DepthAnything(Loaded(network, processor, record, CPU))


@pytest.mark.parametrize(("height", "width"), [(360, 640), (640, 360), (241, 333)])
def test_maps_lie_on_the_picture(folders: dict[str, Path], height: int, width: int) -> None:
    """On slopes along x and y, the depth sampled over a person is that of the person's middle in the picture."""
    network = _seeing(folders, "outdoor", lambda red: 80 * red)
    per_px = 79 / max(height, width)
    for axis in (0, 1):
        place = np.arange((height, width)[axis]) + 0.5
        slope = (place * per_px * 255 / 80).round().astype(np.uint8)
        picture = np.broadcast_to(slope[:, None, None] if axis == 0 else slope[:, None], (height, width, 3))
        depth = network.depth(torch.from_numpy(picture[None].copy()))[0]
        for share in ((0.2, 0.3), (0.5, 0.5), (0.81, 0.64)):
            centre = np.array(share) * (width, height)
            person = _person(centre, 40.0)
            assert sample_depth(depth, person, (width, height)) == pytest.approx(centre[1 - axis] * per_px, abs=0.5)


def _person(centre: np.ndarray, size: float) -> PoseObservation:
    region = np.array([*centre, size, 0.0])
    nothing = np.zeros((0, 2))
    return PoseObservation(
        nothing, np.zeros(0), np.zeros((0, 3)), region, region, np.full((32, 32), 255, np.uint8),
        np.concatenate([centre - size / 2, centre + size / 2]), 1.0, np.zeros((0, 3)),
    )  # fmt: skip


def _scene(depth_m: np.ndarray | float) -> torch.Tensor:
    """(2, 90, 160, 3) pictures whose red says the depth, 0 to 80 m."""
    red = np.broadcast_to(np.asarray(depth_m) / 80 * 255, (2, 90, 160))
    return torch.from_numpy(np.repeat(red.round().astype(np.uint8)[..., None], 3, axis=-1))


def _both(folders: dict[str, Path]) -> tuple[DepthAnything, DepthAnything]:
    return (
        _seeing(folders, "indoor", lambda red: (80 * red).clamp(max=20)),
        _seeing(folders, "outdoor", lambda red: 80 * red),
    )


ROOM = np.linspace(2, 9, 160)
STREET = np.where(np.arange(90)[:, None] < 30, 80.0, np.linspace(4, 35, 160))
YARD_WITH_A_BIT_OF_SKY = np.where(np.arange(90)[:, None] < 4, 80.0, ROOM)


@pytest.mark.parametrize(("scene", "expected"), [(ROOM, 0), (STREET, 1), (YARD_WITH_A_BIT_OF_SKY, 0)])
def test_the_network_for_the_scene_is_chosen(folders: dict[str, Path], scene: np.ndarray, expected: int) -> None:
    networks = _both(folders)
    assert choose_scene(*networks, _scene(scene)) is networks[expected]


def test_the_first_pictures_decide_and_the_other_network_is_let_go(folders: dict[str, Path]) -> None:
    indoor, outdoor = _both(folders)
    alive = weakref.ref(indoor)
    depth = depth_of([outdoor, indoor])
    assert isinstance(depth, SceneDepth) and depth.metric
    assert "Sees indoor" in depth.name and "Sees outdoor" in depth.name
    assert depth.depth(_scene(STREET)).max() == pytest.approx(80)
    del indoor
    assert alive() is None
    assert "indoor" not in depth.name
    assert depth.depth(_scene(ROOM)).shape == (2, 70, 126)
    assert "Sees outdoor" in depth.name


def test_nothing_is_decided_by_no_pictures(folders: dict[str, Path]) -> None:
    depth = depth_of(_both(folders))
    assert depth.depth(_scene(ROOM)[:0]).shape == (0, 70, 126)
    assert " or " in depth.name
    assert depth.depth(_scene(ROOM)).shape == (2, 70, 126)
    assert depth.name.startswith("Sees indoor")


def test_one_network_is_used_as_it_is(folders: dict[str, Path]) -> None:
    network = DepthAnything(_loaded(folders, "relative"))
    assert cast(object, depth_of([network])) is network


@pytest.mark.parametrize("scenes", [("indoor", "indoor"), ("indoor", "relative"), ("indoor", "outdoor", "outdoor"), ()])
def test_networks_that_are_not_for_two_scenes_are_refused(folders: dict[str, Path], scenes: tuple[str, ...]) -> None:
    networks = [DepthAnything(_loaded(folders, scene)) for scene in scenes]
    with pytest.raises(AnimePoseError, match="one for outdoors"):
        depth_of(networks)
