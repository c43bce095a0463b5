"""MediaPipe's BlazePose as a backend: its detector on tiles of the picture, its landmark network on each person's crop.

`mediapipe.solutions.pose` follows one person and hides its two networks. Both are subgraphs of the installed package,
so small graphs of our own run them directly: the detector on as many tiles as we like, which finds everybody, and the
landmark network on a crop that we choose, which makes the cost of a person independent of the picture's size. The
models are the ones inside the wheel (BlazePose GHUM full, Apache-2.0); nothing is downloaded.

Reference: Bazarevsky et al. (2020), BlazePose; MediaPipe 0.10.21, modules/pose_detection and modules/pose_landmark.
"""

# Protocol buffer classes are made at run time, so their fields are unknown to a type checker.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import cv2
import numpy as np

# Before MediaPipe itself, whose log it keeps quiet.
from .mediapipe_graph import Graph  # isort: skip
from mediapipe.framework.formats import rect_pb2
from mediapipe.python import packet_creator, packet_getter

from ..skeleton import BLAZEPOSE_33
from .appearance import zone_colours
from .backends import Candidates, PoseObservation, by_index, region_overlap, region_to_picture
from .erase import blur_out
from .threads import side_by_side

MODEL_NAME = "MediaPipe BlazePose GHUM full, 0.10.21 (Apache-2.0)"

DETECTOR_SIZE = 224
"""Input of the detector, pixels; a person is found when about 40 % of that or more."""
CROP_SIZE = 256
"""Input of the landmark network and size of its mask, pixels."""
REGION_SCALE = 1.25
"""BlazePose's own margin around the circle through hips and reach."""
TILE_SHARES = (0.62, 0.4)
"""Sizes of the smaller tiles, as shares of the picture's shorter side."""
MIN_DETECTION_SCORE = 0.55
"""Measured on `park_two_people` and `street_five_frames`: below, most are trees and windows."""
SAME_PERSON_OVERLAP = 0.45
"""Overlap of two circles above which two detections are one person; couples who dance close lie at about 0.4."""

_DETECTOR_GRAPH = """
input_stream: "image"
output_stream: "detections"
node { calculator: "PoseDetectionCpu" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections" }
"""

_LANDMARK_GRAPH = """
input_stream: "image"
input_stream: "region"
output_stream: "landmarks"
output_stream: "auxiliary"
output_stream: "world"
output_stream: "mask"
node {
  calculator: "ConstantSidePacketCalculator"
  output_side_packet: "PACKET:0:complexity"
  output_side_packet: "PACKET:1:segmentation"
  options {
    [mediapipe.ConstantSidePacketCalculatorOptions.ext] { packet { int_value: 1 } packet { bool_value: true } }
  }
}
node {
  calculator: "PoseLandmarkByRoiCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "MODEL_COMPLEXITY:complexity"
  input_side_packet: "ENABLE_SEGMENTATION:segmentation"
  output_stream: "LANDMARKS:landmarks"
  output_stream: "AUXILIARY_LANDMARKS:auxiliary"
  output_stream: "WORLD_LANDMARKS:world"
  output_stream: "SEGMENTATION_MASK:mask_image"
}
node { calculator: "FromImageCalculator" input_stream: "IMAGE:mask_image" output_stream: "IMAGE_CPU:mask" }
"""


class MediaPipePose:
    """Person detector and pose estimator in one, since both share the thread pool.

    Args:
        threads: networks that run side by side; each has its own copy of the model (10 MB).
    """

    def __init__(self, threads: int | None = None) -> None:
        count = threads or side_by_side()
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="pose")
        self._detectors: Queue[Graph] = Queue()
        self._landmarkers: Queue[Graph] = Queue()
        for _ in range(count):
            self._detectors.put(Graph(_DETECTOR_GRAPH, ("detections",)))
            self._landmarkers.put(Graph(_LANDMARK_GRAPH, ("landmarks", "auxiliary", "world", "mask")))

    def close(self) -> None:
        """Stop the threads and free the networks; nothing can be estimated afterwards."""
        self._pool.shutdown()
        for graphs in (self._detectors, self._landmarkers):
            while not graphs.empty():
                graphs.get().close()

    def detect(self, rgb: np.ndarray, detail: int) -> Candidates:
        """See `backends.PersonDetector`."""
        return self._detect(rgb, _tiles(rgb.shape[1], rgb.shape[0], detail))

    def detect_near(self, rgb: np.ndarray, regions: np.ndarray) -> Candidates:
        """See `backends.PersonDetector`."""
        return self._detect(
            rgb, [tile for region in regions for tile in _tiles_near(region, rgb.shape[1], rgb.shape[0])]
        )

    def _detect(self, rgb: np.ndarray, tiles: list[tuple[int, int, int]]) -> Candidates:
        found = [item for tile in self._pool.map(lambda t: self._detect_tile(rgb, t), tiles) for item in tile]
        if not found:
            return Candidates(np.zeros((0, 4)), np.zeros(0))
        regions, scores = np.array([f[0] for f in found]), np.array([f[1] for f in found])
        kept = _without_repeats(regions, scores)
        return Candidates(regions[kept], scores[kept])

    def estimate(
        self, rgb: np.ndarray, regions: np.ndarray, mattes: Sequence[np.ndarray | None] | None = None
    ) -> list[PoseObservation | None]:
        """See `backends.PoseEstimator`."""
        hidden = mattes if mattes is not None else [None] * len(regions)
        return self.estimate_each([(rgb, *job) for job in zip(regions, hidden, strict=True)])

    def estimate_each(
        self, jobs: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray | None]]
    ) -> list[PoseObservation | None]:
        """The same for (picture, region, matte) of any pictures."""
        return list(self._pool.map(lambda job: self._estimate_one(*job), jobs))

    def _detect_tile(self, rgb: np.ndarray, tile: tuple[int, int, int]) -> list[tuple[np.ndarray, float]]:
        x, y, size = tile
        part = rgb[y : y + size, x : x + size]
        scale = size / DETECTOR_SIZE
        small = cv2.resize(
            part,
            (max(1, round(part.shape[1] / scale)), max(1, round(part.shape[0] / scale))),
            interpolation=cv2.INTER_AREA,
        )
        graph = self._detectors.get()
        try:
            packet = graph.run(small).get("detections")
        finally:
            self._detectors.put(graph)
        found = []
        for detection in packet_getter.get_proto_list(packet) if packet is not None else []:
            if detection.score[0] < MIN_DETECTION_SCORE:
                continue
            points = detection.location_data.relative_keypoints
            extent = np.array([part.shape[1], part.shape[0]])
            hips, reach = (np.array([p.x, p.y]) * extent + (x, y) for p in points[:2])
            found.append((_region_of(hips, reach), float(detection.score[0])))
        return found

    def _estimate_one(self, rgb: np.ndarray, region: np.ndarray, matte: np.ndarray | None) -> PoseObservation | None:
        to_picture = region_to_picture(region, CROP_SIZE)
        linear = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        crop = cv2.warpAffine(rgb, by_index(to_picture), (CROP_SIZE, CROP_SIZE), flags=linear)
        if matte is not None:
            crop = blur_out(crop, matte)
        whole = rect_pb2.NormalizedRect(x_center=0.5, y_center=0.5, width=1.0, height=1.0, rotation=0.0)
        graph = self._landmarkers.get()
        try:
            packets = graph.run(crop, region=packet_creator.create_proto(whole))
        finally:
            self._landmarkers.put(graph)
        if "landmarks" not in packets or "world" not in packets:
            return None
        landmarks = packet_getter.get_proto(packets["landmarks"]).landmark
        crop_px = np.array([(p.x, p.y) for p in landmarks]) * CROP_SIZE
        auxiliary = packet_getter.get_proto(packets["auxiliary"]).landmark[:2]
        hips, reach = (to_picture @ (p.x * CROP_SIZE, p.y * CROP_SIZE, 1.0) for p in auxiliary)
        confidence = np.array([p.visibility * p.presence for p in landmarks], dtype=np.float64)
        metric = np.array([(p.x, p.y, p.z) for p in packet_getter.get_proto(packets["world"]).landmark])
        # The network saw the crop, so its axes are turned with it.
        c, s = np.cos(region[3]), np.sin(region[3])
        metric[:, :2] = metric[:, :2] @ np.array([[c, s], [-s, c]])
        mask = (packet_getter.get_image_frame(packets["mask"]).numpy_view() * 255).astype(np.uint8)
        landmarks_px = crop_px @ to_picture[:, :2].T + to_picture[:, 2]
        return PoseObservation(
            landmarks_px=landmarks_px,
            confidence=confidence.clip(0, 1),
            landmarks_m=metric,
            region=np.asarray(region, dtype=np.float64),
            next_region=_region_of(hips, reach),
            mask=mask,
            box_px=_box_of(mask, to_picture, landmarks_px),
            score=float(confidence.mean()),
            colours=zone_colours(crop, dict(zip(BLAZEPOSE_33, crop_px, strict=True)), mask),
        )


def _tiles(width: int, height: int, detail: int) -> list[tuple[int, int, int]]:
    """Squares (x, y, size) that cover the picture, overlapping by half, at more sizes the higher the detail."""
    short = min(width, height)
    tiles = []
    for size in (max(width, height), short, *(round(short * share) for share in TILE_SHARES[:detail])):
        starts = [
            np.linspace(0, max(0, extent - size), 1 + int(np.ceil(max(0, extent - size) / (size * 0.5)))).astype(int)
            for extent in (width, height)
        ]
        tiles += [(int(x), int(y), size) for y in starts[1] for x in starts[0]]
    return list(dict.fromkeys(tiles))


def _tiles_near(region: np.ndarray, width: int, height: int) -> list[tuple[int, int, int]]:
    """Squares in the picture around a region: one tight and one wide, where a person of its size fits both."""
    tiles = []
    for scale in (1.0, 1.6):
        size = int(np.clip(region[2] * scale, 32, max(width, height)))
        x = int(np.clip(region[0] - size / 2, 0, max(0, width - size)))
        y = int(np.clip(region[1] - size / 2, 0, max(0, height - size)))
        tiles.append((x, y, size))
    return tiles


def _region_of(hips: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(4,) region around the circle about the hips through `reach`, which lies in the direction of the head."""
    dx, dy = reach - hips
    size = 2 * np.hypot(dx, dy) * REGION_SCALE
    return np.array([hips[0], hips[1], max(size, 1.0), np.arctan2(dx, -dy)])


def _box_of(mask: np.ndarray, to_picture: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray:
    """(4,) box around a mask, or around the landmarks where the mask is empty."""
    rows, columns = np.nonzero(mask > 127)
    points = landmarks_px
    if len(rows):
        points = np.stack([columns + 0.5, rows + 0.5], axis=-1) @ to_picture[:, :2].T + to_picture[:, 2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _without_repeats(regions: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Indices of the best region of each group that overlaps, best first (greedy non-maximum suppression)."""
    kept: list[int] = []
    for index in np.argsort(-scores):
        if all(region_overlap(regions[index], regions[k]) < SAME_PERSON_OVERLAP for k in kept):
            kept.append(int(index))
    return np.array(kept, dtype=int)
