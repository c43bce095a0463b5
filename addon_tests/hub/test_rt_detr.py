"""Detectors that give boxes: as `transformers`' own processor and post-processing, for people alone."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import RTDetrImageProcessorPil

from addon_tests.hub import tiny_detectors
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub import detr
from animepose_blender.estimate.hub.detr import MIN_SCORE, MOST_PEOPLE, best_guesses, people_among
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.loading import HubClasses, Loaded, load_network
from animepose_blender.estimate.hub.protocols import PeopleFound
from animepose_blender.estimate.hub.rt_detr import RtDetrDetector
from animepose_blender.store.record import RECORD

CPU = Device(torch.device("cpu"), torch.float32)
CLASSES = HubClasses("RTDetrV2ForObjectDetection", "RTDetrForObjectDetection", "DFineForObjectDetection")
KINDS = [tiny_detectors.save_tiny_rt_detr, tiny_detectors.save_tiny_rt_detr_v1, tiny_detectors.save_tiny_d_fine]


@pytest.fixture
def pictures(rng: np.random.Generator) -> torch.Tensor:
    """(5, 90, 161, 3): noise, dark, flat, half black, a slope."""
    some = rng.integers(0, 256, (5, 90, 161, 3)).astype(np.uint8)
    some[1] //= 4
    some[2] = 200
    some[3, :, :80] = 0
    some[4] = np.linspace(0, 255, 161, dtype=np.uint8)[:, None]
    return torch.from_numpy(some)


def _opened(folder: Path, device: Device = CPU) -> tuple[RtDetrDetector, Loaded]:
    loaded = load_network(folder, CLASSES, device)
    return RtDetrDetector(loaded), loaded


def _processor(loaded: Loaded) -> Any:
    return RTDetrImageProcessorPil(**{k: v for k, v in loaded.processor.items() if k != "image_processor_type"})


def _without_repeats(boxes: np.ndarray) -> list[int]:
    """Indices of boxes that overlap none before them, one after the other."""
    kept: list[int] = []
    for k, box in enumerate(boxes):
        for other in kept:
            shared = np.clip(np.minimum(box[2:], boxes[other, 2:]) - np.maximum(box[:2], boxes[other, :2]), 0, None)
            areas = np.prod(box[2:] - box[:2]) + np.prod(boxes[other, 2:] - boxes[other, :2])
            if np.prod(shared) / (areas - np.prod(shared)) > detr.SAME_BOX:
                break
        else:
            kept.append(k)
    return kept


def _assert_same(ours: PeopleFound, theirs: dict[str, torch.Tensor], person: int, width: int, height: int) -> None:
    """Theirs of people alone, clipped, and without repeats."""
    people = theirs["labels"] == person
    boxes = theirs["boxes"][people].double().clamp(min=0).minimum(torch.tensor([width, height] * 2)).numpy()
    scores = theirs["scores"][people].numpy()
    there = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    boxes, scores = boxes[there], scores[there]
    kept = _without_repeats(boxes)
    assert len(kept) > 0
    np.testing.assert_allclose(ours.score, scores[kept], atol=1e-4)
    np.testing.assert_allclose(ours.box_px, boxes[kept], atol=1e-2 * 1e-2 * max(width, height))


@pytest.mark.parametrize("save", KINDS)
@pytest.mark.parametrize("size", [(90, 161), (161, 90), (64, 64), (33, 47)])
def test_people_are_those_that_transformers_finds(tmp_path, pictures, save, size):
    height, width = size
    pictures = torch.nn.functional.interpolate(pictures.permute(0, 3, 1, 2), size).permute(0, 2, 3, 1).contiguous()
    detector, loaded = _opened(save(tmp_path / "tiny"))
    processor = _processor(loaded)
    with torch.no_grad():
        inputs = processor(list(pictures.numpy()), return_tensors="pt")["pixel_values"]
        output = loaded.network(inputs)
    theirs = processor.post_process_object_detection(output, MIN_SCORE, [size] * len(pictures))
    np.testing.assert_allclose(detector.prepared(pictures).numpy(), inputs.numpy(), atol=1e-4)
    for ours, other in zip(detector.find(pictures), theirs, strict=True):
        _assert_same(ours, other, 0, width, height)


@pytest.mark.parametrize(
    "settings",
    [
        {"do_normalize": True},
        {"resample": 3, "size": {"height": 64, "width": 96}},
        {"size": {"shortest_edge": 64, "longest_edge": 128}},
        {"do_rescale": False},
        {"rescale_factor": 1 / 127.5, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.25] * 3},
    ],
)
def test_pictures_are_prepared_as_the_file_says(tmp_path, pictures, settings):
    detector, loaded = _opened(tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny", **settings))
    theirs = _processor(loaded)(list(pictures.numpy()), return_tensors="pt")["pixel_values"]
    np.testing.assert_allclose(detector.prepared(pictures).numpy(), theirs.numpy(), atol=1e-4)


def test_what_the_file_leaves_out_is_as_the_processor_has_it(tmp_path, pictures):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny")
    (folder / "preprocessor_config.json").write_text("{}", encoding="utf-8")
    detector, _ = _opened(folder)
    theirs = RTDetrImageProcessorPil()(list(pictures.numpy()), return_tensors="pt")["pixel_values"]
    np.testing.assert_allclose(detector.prepared(pictures).numpy(), theirs.numpy(), atol=1e-4)


@pytest.mark.parametrize(
    "settings", [{"size": {"longest": 3}}, {"pad_size": {"height": 9, "width": 9}}, {"resample": 1}]
)
def test_settings_that_are_not_known_are_refused(tmp_path, pictures, settings):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny", **settings)
    with pytest.raises(AnimePoseError):
        _opened(folder)[0].find(pictures)


@pytest.mark.parametrize("size", [1, 2, 16])
def test_many_pictures_give_what_each_gives_alone(tmp_path, pictures, size):
    detector, _ = _opened(tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny"))
    detector._batches.size = size
    together = detector.find(pictures)
    assert len(together) == 5
    for k, one in enumerate(together):
        (alone,) = detector.find(pictures[k : k + 1])
        np.testing.assert_allclose(one.box_px, alone.box_px, atol=1e-3)
        np.testing.assert_allclose(one.score, alone.score, atol=1e-5)
        assert one.masks is None


def test_people_are_found_by_their_label_whatever_its_number(tmp_path, pictures):
    labels = {0: "car", 1: "dog", 2: "person", 3: "hat"}
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny", labels=labels)
    detector, loaded = _opened(folder)
    output = loaded.network(detector.prepared(pictures[:1]))
    theirs = _processor(loaded).post_process_object_detection(output, MIN_SCORE, [(90, 161)])[0]
    _assert_same(detector.find(pictures[:1])[0], theirs, 2, 161, 90)


def test_a_detector_that_knows_no_people_is_refused(tmp_path):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny", labels={0: "car", 1: "dog"})
    with pytest.raises(AnimePoseError, match="finds no people"):
        _opened(folder)


def test_another_label_for_people_may_be_named_by_the_record(tmp_path):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny", labels={0: "ball", 1: "Player"})
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    record["options"] = {"person_label": "player"}
    (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")
    assert _opened(folder)[0].name == "Tiny RT-DETR (Apache-2.0)"


def test_in_half_precision_people_are_where_they_are_in_full(tmp_path, pictures):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny")
    half = Device(torch.device("cpu"), torch.bfloat16)  # which is not fine enough: it is loaded in float16
    found = zip(_opened(folder)[0].find(pictures), _opened(folder, half)[0].find(pictures), strict=True)
    # Which queries a network of random weights follows hangs by a hair, so not all have a counterpart.
    apart = [np.abs(one.box_px[:, None] - other.box_px).max(axis=-1).min(axis=1) for one, other in found]
    assert np.median(np.concatenate(apart)) < 0.5


def test_numbers_too_large_for_half_precision_make_it_go_on_in_full(tmp_path, pictures):
    folder = tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny")
    half, _ = _opened(folder, Device(torch.device("cpu"), torch.float16))
    prepare = half.prepared
    half.prepared = lambda pictures: prepare(pictures) * 1e6  # type: ignore[method-assign]
    half.find(pictures)
    assert half._dtype is torch.float32
    half.prepared = prepare  # type: ignore[method-assign]
    full, _ = _opened(folder)
    np.testing.assert_allclose(half.find(pictures)[0].score[0], full.find(pictures)[0].score[0], atol=0.01)


def test_broken_weights_are_told_from_nobody(tmp_path, pictures):
    detector, loaded = _opened(tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny"))
    next(p for name, p in loaded.network.named_parameters() if "decoder.class_embed.1" in name).fill_(torch.nan)
    with pytest.raises(AnimePoseError, match="not a number"):
        detector.find(pictures)


def _crafted(*guesses: tuple[float, list[float]], classes: int = 3, person: int = 0) -> SimpleNamespace:
    """Output of one picture with people of these scores and boxes (centre, size), and cars of higher scores."""
    logits = torch.full((1, len(guesses) + 2, classes), -9.0)
    boxes = torch.full((1, len(guesses) + 2, 4), 0.5)
    logits[0, -2:, (person + 1) % classes] = 5.0
    for k, (score, box) in enumerate(guesses):
        logits[0, k, person] = torch.logit(torch.tensor(score))
        boxes[0, k] = torch.tensor(box)
    return SimpleNamespace(logits=logits, pred_boxes=boxes)


def _people(output: SimpleNamespace, width: int = 200, height: int = 100, person: int = 0) -> PeopleFound:
    guesses = best_guesses(output.logits, output.pred_boxes, person)
    return people_among(guesses.score[0].numpy(), guesses.box[0].numpy(), width, height)[0]


@pytest.mark.parametrize("person", [0, 1, 2])
def test_weak_people_are_kept_and_the_best_come_first(person):
    output = _crafted((0.15, [0.2, 0.5, 0.1, 0.4]), (0.9, [0.6, 0.5, 0.1, 0.4]), (0.05, [0.8, 0.5, 0.1, 0.4]),
                      person=person)  # fmt: skip
    people = _people(output, person=person)
    np.testing.assert_allclose(people.score, [0.9, 0.15], atol=1e-6)
    np.testing.assert_allclose(people.box_px, [[110, 30, 130, 70], [30, 30, 50, 70]], atol=1e-4)


def test_boxes_end_at_the_rim_and_those_outside_are_dropped():
    people = _people(_crafted((0.9, [0.0, 1.0, 0.2, 0.5]), (0.8, [1.2, 0.5, 0.2, 0.2]), (0.7, [0.5, 0.5, -0.1, 0.2])))
    np.testing.assert_allclose(people.box_px, [[0, 75, 20, 100]], atol=1e-4)


def test_of_two_almost_equal_boxes_the_better_is_kept():
    people = _people(_crafted((0.6, [0.5, 0.5, 0.2, 0.4]), (0.9, [0.501, 0.5, 0.2, 0.4]), (0.7, [0.54, 0.5, 0.2, 0.4])))
    np.testing.assert_allclose(people.score, [0.9, 0.7], atol=1e-6)


def test_where_nobody_is_there_is_an_empty_answer():
    people = _people(_crafted((0.01, [0.5, 0.5, 0.2, 0.4])))
    assert people.box_px.shape == (0, 4)
    assert people.score.shape == (0,)


def test_of_a_crowd_the_best_are_kept():
    places = [(0.3 + 0.005 * k, [k / 100, 0.5, 0.004, 0.4]) for k in range(100)]
    people = _people(_crafted(*places))
    assert len(people.score) == MOST_PEOPLE
    assert people.score.min() > 0.3 + 0.005 * (99 - MOST_PEOPLE)


def test_no_pictures_give_no_answers(tmp_path):
    detector, _ = _opened(tiny_detectors.save_tiny_rt_detr(tmp_path / "tiny"))
    assert detector.find(torch.zeros(0, 90, 161, 3, dtype=torch.uint8)) == []
