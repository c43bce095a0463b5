"""Masks by SAM 2: prompts land where the boxes are, masks are the library's own, and nothing piles up."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import Sam2Model, Sam2VideoInferenceSession, Sam2VideoModel
from transformers.models import sam2 as sam2_of_the_library
from transformers.models.sam2_video.processing_sam2_video import Sam2VideoProcessor

from addon_tests.hub.tiny_sam2 import SIZE, save_tiny_sam2
from animepose_blender.estimate.hub import sam2
from animepose_blender.estimate.hub.device import choose_device
from animepose_blender.estimate.hub.loading import Loaded, load_network
from animepose_blender.estimate.hub.sam2 import Sam2VideoMasks, mask_boxes, probable
from animepose_blender.estimate.hub.sam2_memory import PROMPTS_KEPT

HEIGHT, WIDTH = 90, 160
LEFT, RIGHT = [10.0, 10.0, 60.0, 80.0], [80.0, 5.0, 150.0, 85.0]
MASK = (SIZE // 4, SIZE // 4)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    folder = save_tiny_sam2(tmp_path_factory.mktemp("store") / "tiny-sam2")
    return load_network(folder, {"Sam2VideoModel": Sam2VideoModel}, choose_device("cpu"))


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Masks are carried on whatever the boxes say: those of random weights follow nobody."""
    monkeypatch.setattr(sam2, "AGREE", -1.0)


def save(loaded: Loaded, folder: Path) -> None:
    network: Any = loaded.network
    network.save_pretrained(folder)


def clip(frames: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 255, (frames, HEIGHT, WIDTH, 3), dtype=torch.uint8, generator=torch.manual_seed(seed))


def everybody(frames: int, *boxes: list[float]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The same people in every frame, with ids 7, 8 and so on."""
    return [np.array(boxes).reshape(-1, 4)] * frames, [np.arange(7, 7 + len(boxes))] * frames


def same(masks: Any, others: Any) -> bool:
    """Whether masks are the same but for rounding; where two people are equally likely, it decides whose a pixel is."""
    pairs = zip(masks, others, strict=True)
    return all(np.mean(np.abs(one.astype(int) - other) > 1) < 0.02 for one, other in pairs if one.size)


class Prompts:
    """What the network is told: (frame's boxes as corners) of each call of its prompt encoder."""

    def __init__(self, network: Any) -> None:
        self.corners: list[np.ndarray] = []
        self.labels: list[list[int]] = []
        self._hook = network.prompt_encoder.register_forward_pre_hook(self._seen, with_kwargs=True)

    def _seen(self, _: Any, __: Any, given: dict[str, Any]) -> None:
        if given.get("input_boxes") is not None:
            self.corners += list(given["input_boxes"].reshape(-1, 2, 2).numpy())
        elif given["input_labels"].min() >= 0:
            self.corners.append(given["input_points"][0, 0].numpy())
            self.labels.append(given["input_labels"][0, 0].tolist())

    def __enter__(self) -> Prompts:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


@pytest.mark.parametrize("propagate", [True, False])
def test_masks_span_the_picture_one_for_each_box_in_their_order(loaded: Loaded, propagate: bool) -> None:
    masks = Sam2VideoMasks(loaded, propagate).masks(clip(3), *everybody(3, LEFT, RIGHT))
    swapped = Sam2VideoMasks(loaded, propagate).masks(clip(3), *(
        [one[::-1] for one in of] for of in everybody(3, LEFT, RIGHT)
    ))  # fmt: skip
    assert [mask.shape for mask in masks] == [(2, *MASK)] * 3
    assert all(mask.dtype == np.uint8 for mask in masks)
    assert 0 < np.mean(masks[0] > 127) < 1
    assert same(masks, [mask[::-1] for mask in swapped])


@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.usefixtures("trusting")
def test_calls_continue_one_another(loaded: Loaded, size: int, propagate: bool) -> None:
    frames = 20
    pictures, (boxes, ids) = clip(frames), everybody(frames, LEFT, RIGHT)
    whole = Sam2VideoMasks(loaded, propagate).masks(pictures, boxes, ids)
    network = Sam2VideoMasks(loaded, propagate)
    parts = [slice(start, start + size) for start in range(0, frames, size)]
    pieces = [mask for part in parts for mask in network.masks(pictures[part], boxes[part], ids[part])]
    assert same(pieces, whole)


@pytest.mark.usefixtures("trusting")
def test_forgetting_changes_nothing_against_a_session_that_keeps_everything(loaded: Loaded) -> None:
    frames = 24
    pictures, (boxes, ids) = clip(frames), everybody(frames, RIGHT)
    network = Sam2VideoMasks(loaded)
    masks = network.masks(pictures, boxes, ids)
    session = Sam2VideoInferenceSession(dtype=torch.float32)
    person = session.obj_id_to_idx(0)
    corners = torch.tensor(RIGHT).reshape(1, 1, 2, 2) * torch.tensor([SIZE / WIDTH, SIZE / HEIGHT]) - 0.5
    labels = torch.tensor([[[2, 3]]], dtype=torch.int32)
    session.add_point_inputs(person, 0, {"point_coords": corners, "point_labels": labels})
    session.obj_with_new_inputs = [0]
    for picture, mask in zip(network._prepared(pictures), masks, strict=True):
        found: Any = loaded.network(session, frame=picture)
        np.testing.assert_allclose(mask, probable(found.pred_masks[:, 0]), atol=1)
    assert np.abs(masks[-1].astype(int) - masks[0]).max() > 100, "nothing moved: the test shows nothing"


def test_masks_by_boxes_alone_are_those_of_the_image_model(loaded: Loaded, tmp_path: Path) -> None:
    save(loaded, tmp_path)
    image_model: Any = Sam2Model.from_pretrained(tmp_path).eval()
    network = Sam2VideoMasks(loaded, propagate=False)
    pictures, (boxes, ids) = clip(3), everybody(3, LEFT, RIGHT)
    corners = torch.tensor([LEFT, RIGHT]) * torch.tensor([SIZE / WIDTH, SIZE / HEIGHT] * 2) - 0.5
    with torch.no_grad():
        found = image_model(
            pixel_values=network._prepared(pictures), input_boxes=corners.expand(3, -1, -1), multimask_output=False
        )
    assert same(network.masks(pictures, boxes, ids), [probable(logits[:, 0]) for logits in found.pred_masks])


def test_the_image_model_can_be_used_too_but_not_propagate(loaded: Loaded, tmp_path: Path) -> None:
    save(loaded, tmp_path)
    image_model = Loaded(Sam2Model.from_pretrained(tmp_path).eval(), loaded.processor, loaded.record, loaded.device)
    network = Sam2VideoMasks(image_model)
    assert not network.propagate
    given = clip(2), *everybody(2, LEFT)
    assert same(network.masks(*given), Sam2VideoMasks(loaded, propagate=False).masks(*given))


@pytest.mark.parametrize("propagate", [True, False])
def test_the_network_is_told_boxes_as_the_processor_scales_them_but_for_half_a_pixel(
    loaded: Loaded, propagate: bool
) -> None:
    with Prompts(loaded.network) as prompts:
        Sam2VideoMasks(loaded, propagate).masks(clip(1), *everybody(1, LEFT, RIGHT))
    theirs = Sam2VideoProcessor._normalize_coordinates(
        None, SIZE, torch.tensor([LEFT, RIGHT]), (HEIGHT, WIDTH), is_bounding_box=True  # type: ignore[arg-type]
    )  # fmt: skip
    np.testing.assert_allclose(prompts.corners, theirs.reshape(2, 2, 2) - 0.5, atol=1e-4)
    assert prompts.labels == ([[2, 3]] * 2 if propagate else [])


def test_a_corner_and_the_part_of_the_picture_under_it_get_the_same_code(loaded: Loaded) -> None:
    # SAM finds prompts by sine codes of places: those of a corner in the middle of a cell must be the cell's own.
    network: Any = loaded.network
    where = network.get_image_wide_positional_embeddings()
    cells, row, column = where.shape[-1], 2, 5
    corner = [(column + 0.5) * WIDTH / cells, (row + 0.5) * HEIGHT / cells]
    with Prompts(network) as prompts:
        Sam2VideoMasks(loaded).masks(clip(1), *everybody(1, [*corner, 155.0, 88.0]))
    points = torch.tensor(prompts.corners[0])[None, None]
    sparse, _ = network.get_prompt_embeddings(input_points=points, input_labels=torch.tensor([[[2, 3]]]))
    code = sparse[0, 0, 0] - network.prompt_encoder.point_embed.weight[2]
    torch.testing.assert_close(code, where[0, :, row, column], atol=1e-4, rtol=0)


def test_pictures_are_prepared_as_the_processor_would(loaded: Loaded) -> None:
    source = Path(inspect.getfile(sam2_of_the_library)).with_name("image_processing_sam2.py").read_text("utf-8")
    cls = next(
        node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Sam2ImageProcessor"
    )
    theirs = {
        ast.unparse(node.targets[0]): ast.unparse(node.value) for node in cls.body if isinstance(node, ast.Assign)
    }
    assert theirs["resample"] == "PILImageResampling.BILINEAR"
    assert theirs["image_mean"] == "IMAGENET_DEFAULT_MEAN"
    assert theirs["do_pad"] == "None", "stretched, not padded"
    pictures = clip(2)
    # As torchvision's resize does with bytes.
    square = torch.nn.functional.interpolate(
        pictures.permute(0, 3, 1, 2), (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False
    )
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    expected = (square.float() - mean * 255) / (std * 255)
    off = (Sam2VideoMasks(loaded)._prepared(pictures) - expected).abs()
    # Pillow and torch round a few bytes differently, by one level: torch's weights of filters have fewer bits.
    assert off.max() < 1.01 / (0.224 * 255)
    assert (off > 1e-4).float().mean() < 0.05


@pytest.mark.usefixtures("trusting")
def test_what_is_remembered_does_not_grow_with_the_clip(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sam2, "TELL_AGAIN_AFTER", 20)
    network = Sam2VideoMasks(loaded)
    counts, sizes = [], []
    for start in range(0, 200, 20):
        network.masks(clip(20, seed=start), *everybody(20, LEFT, RIGHT))
        kept = [tensor for memory in network._known.values() for tensor in memory.tensors()]
        counts.append(len(kept))
        sizes.append(sum(tensor.untyped_storage().nbytes() for tensor in kept))
    assert len(set(counts[PROMPTS_KEPT:])) == 1
    assert len(set(sizes[PROMPTS_KEPT:])) == 1
    sessions = [memory._session for memory in network._known.values()]
    for session in sessions:
        assert session.processed_frames is None
        assert not session.cache._vision_features
        assert not session.point_inputs_per_obj[0]
        assert not session.frames_tracked_per_obj[0]
        assert len(session.output_dict_per_obj[0]["cond_frame_outputs"]) == PROMPTS_KEPT


@pytest.mark.usefixtures("trusting")
def test_people_who_leave_are_forgotten_after_a_while_and_cost_nothing(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sam2, "FORGET_AFTER", 3)
    network = Sam2VideoMasks(loaded)
    here = [[7, 8], [7], [7], [7, 8], [8], [8], [8], [8], [9]]
    places = {7: LEFT, 8: RIGHT, 9: LEFT}
    boxes = [np.array([places[one] for one in ids]) for ids in here]
    known, told = [], []
    for k, picture in enumerate(clip(len(here))):
        with Prompts(loaded.network) as prompts:
            masks = network.masks(picture[None], boxes[k : k + 1], [np.array(here[k])])
        assert masks[0].shape == (len(here[k]), *MASK)
        known.append(sorted(network._known))
        told.append(len(prompts.corners))
    assert told == [2, 0, 0, 0, 0, 0, 0, 0, 1], "8 came back while remembered"
    assert known == [[7, 8]] * 5 + [[7, 8], [8], [8], [8, 9]]


@pytest.mark.parametrize("propagate", [True, False])
def test_frames_without_anybody_give_no_masks(loaded: Loaded, propagate: bool) -> None:
    network = Sam2VideoMasks(loaded, propagate)
    nobody = np.zeros((0, 4)), np.zeros(0, dtype=int)
    somebody = np.array([LEFT]), np.array([1])
    boxes, ids = zip(nobody, somebody, nobody, strict=True)
    masks = network.masks(clip(3), boxes, ids)
    assert [mask.shape for mask in masks] == [(0, *MASK), (1, *MASK), (0, *MASK)]
    assert [mask.shape for mask in network.masks(clip(2), [nobody[0]] * 2, [nobody[1]] * 2)] == [(0, *MASK)] * 2
    assert network.masks(clip(0), [], []) == []


def test_somebody_whose_mask_leaves_their_box_is_told_again_with_nothing_remembered(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = clip(2)
    first = Sam2VideoMasks(loaded, propagate=False).masks(pictures, *everybody(2, LEFT))
    for agree, times in ((-1.0, 1), (1.1, 2)):
        monkeypatch.setattr(sam2, "AGREE", agree)
        with Prompts(loaded.network) as prompts:
            masks = Sam2VideoMasks(loaded).masks(pictures, *everybody(2, LEFT))
        assert len(prompts.corners) == times
        assert (np.abs(masks[1].astype(int) - first[1]).max() <= 1) == (times == 2)


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize(("other", "times"), [(RIGHT, 2), ([12.0, 8.0, 62.0, 82.0], 1)])
def test_people_are_told_again_every_so_often_unless_somebody_stands_in_the_same_place(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch, other: list[float], times: int
) -> None:
    monkeypatch.setattr(sam2, "TELL_AGAIN_AFTER", 4)
    with Prompts(loaded.network) as prompts:
        Sam2VideoMasks(loaded).masks(clip(6), *everybody(6, LEFT, other))
    assert len(prompts.corners) == 2 * times


def test_too_little_memory_for_many_pictures_gives_the_same_masks(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, (boxes, ids) = clip(8), everybody(8, LEFT, RIGHT)
    expected = Sam2VideoMasks(loaded).masks(pictures, boxes, ids)
    features = loaded.network.get_image_features

    def small(pixels: torch.Tensor, **options: Any) -> Any:
        if len(pixels) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return features(pixels, **options)  # type: ignore[operator]

    monkeypatch.setattr(loaded.network, "get_image_features", small)
    assert same(Sam2VideoMasks(loaded).masks(pictures, boxes, ids), expected)


def test_pixels_of_two_people_are_the_likelier_ones() -> None:
    logits = torch.tensor([[[3.0, 1.0, -9.0]], [[2.0, 4.0, 5.0]]])
    masks = probable(logits)
    assert masks.tolist() == [[[243, 0, 0]], [[0, 250, 253]]]
    np.testing.assert_array_equal(probable(logits[:1])[0], [[243, 186, 0]])


def test_boxes_of_masks_leave_specks_out_and_have_no_area_where_there_is_no_mask() -> None:
    logits = torch.full((2, 100, 200), -1.0)
    logits[0, 20:80, 50:150] = 1.0
    logits[0, 0, 199] = 1.0
    boxes = mask_boxes(logits).numpy()
    np.testing.assert_allclose(boxes[0], [0.25, 0.2, 0.75, 0.8], atol=1e-6)
    assert (boxes[1, 2:] - boxes[1, :2]).prod() == 0
