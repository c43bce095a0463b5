"""A look at a take: its solved joints, 3D boxes and floor, or its mannequins, drawn over the clip.

Each person has a colour and its id beside the head. Predicted frames are dashed and lighter, and a foot joint in
contact with the floor carries a ring.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np

from ..core import cameras
from ..core.frame_numbers import nearest_frames
from ..errors import AnimePoseError
from ..skeleton import CONTACT_JOINTS, PARENTS, J
from ..take import State, Take
from .preview_figure import Mannequins
from .preview_scene import SceneOverlay
from .video import open_clip

LONGEST_SIDE_PX = 1280
"""Larger clips are shrunk to this: enough to see a foot slide, and quick to look at."""
SHEET_CELLS = 6
SHEET_WIDTH_PX = 1920

COLOURS = (
    (86, 180, 233), (240, 150, 30), (60, 190, 120), (220, 120, 190), (240, 228, 66), (225, 80, 60), (120, 110, 230),
    (230, 230, 230),
)  # fmt: skip
"""RGB by person, told apart by colour-blind eyes too; after Okabe and Ito (2008), brightened for dark plates."""
OUTLINE = (20, 20, 20)
CONTACT_THRESHOLD = 0.5

_DASH_PERIOD, _DASH_SHARE = 8, 0.4
"""Bones of predicted people: a dash and its gap in line thicknesses, and the part of it that is drawn."""
_SUBPIXEL_BITS = 4
_CLOCK_HZ = 90_000
"""Ticks a second of the preview's time stamps, fine enough for every frame rate in use."""


def write_preview(
    take: Take,
    clip_path: str | os.PathLike[str],
    video_path: str | os.PathLike[str],
    picture_path: str | os.PathLike[str] | None = None,
    *,
    mannequins: bool = False,
    progress: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write the preview video (H.264 in MP4, with the clip's own frame times) and the contact sheet (PNG).

    The clip is streamed; both files appear whole or not at all.

    Args:
        picture_path: None = no contact sheet.
        mannequins: draw figures, instead of joints, boxes and contacts.
        progress: called with the part that is done; what it raises ends the work.
    Raises:
        AnimePoseError: if the clip cannot be read or a file cannot be written.
    """
    clip = open_clip(clip_path)
    scale = min(1.0, LONGEST_SIDE_PX / max(clip.width, clip.height))
    # H.264 with halved colour needs even sizes.
    width, height = (2 * max(1, round(side * scale / 2)) for side in (clip.width, clip.height))
    overlay = Overlay.of(take, scale=(width / clip.width, height / clip.height))
    scene = SceneOverlay.of(take, scale=(width / clip.width, height / clip.height))
    figures = Mannequins.of(take, (width / clip.width, height / clip.height), COLOURS) if mannequins else None
    wanted = set(_sheet_frames(take).tolist())
    cells: list[np.ndarray] = []
    video_path = Path(video_path)
    start_s, end_s = float(take.frame_time_s[0]), float(take.frame_time_s[-1])
    try:
        with _whole(video_path) as partial, av.open(str(partial), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=clip.frame_rate, options={"crf": "21", "preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.time_base = Fraction(1, _CLOCK_HZ)
            for _, time_s, rgb in clip.frames(start_s, end_s):
                frame = int(nearest_frames(take.frame_time_s, np.array([time_s]))[0])
                picture = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
                scene.draw(picture, frame, COLOURS, boxes=figures is None)
                if figures is None:
                    overlay.draw(picture, frame)
                else:
                    figures.draw(picture, frame)
                progress((frame + 1) / take.frame_count)
                if frame in wanted:
                    wanted.remove(frame)
                    cells.append(_cell(picture, time_s))
                image = av.VideoFrame.from_ndarray(picture, format="rgb24")
                image.pts, image.time_base = round((time_s - start_s) * _CLOCK_HZ), Fraction(1, _CLOCK_HZ)
                container.mux(stream.encode(image))
            container.mux(stream.encode(None))
        if picture_path is not None:
            with _whole(Path(picture_path)) as partial:
                sheet = cv2.cvtColor(_sheet(cells), cv2.COLOR_RGB2BGR)
                partial.write_bytes(cv2.imencode(".png", sheet)[1].tobytes())
    except (av.error.FFmpegError, OSError) as error:
        raise AnimePoseError(
            f"The preview could not be written to {video_path.parent}: {error.strerror or error}.",
            "Choose a folder that can be written to and has space left.",
        ) from error


@dataclass(frozen=True)
class Overlay:
    """What is drawn, in pixels of the picture it is drawn on."""

    joints_px: np.ndarray
    """(P, F, J, 2) as OpenCV counts: pixel centres at whole numbers."""
    drawable: np.ndarray
    """(P, F, J) bool: the joint is in front of the camera and not absurdly far outside."""
    order: np.ndarray
    """(F, P) people from far to near."""
    predicted: np.ndarray
    """(P, F) bool"""
    contact: np.ndarray
    """(P, F, 4) bool"""
    person_id: np.ndarray
    """(P,)"""
    thickness: int
    """Of a bone, pixels."""

    @classmethod
    def of(cls, take: Take, scale: tuple[float, float]) -> Overlay:
        """Project a take into its picture, shrunk by `scale` (x, y)."""
        camera_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(np.float64))
        joints_px = cameras.project(camera_m, take.intrinsics) * scale - 0.5
        present = (take.state != State.ABSENT)[..., None]
        size_px = 2 * take.intrinsics[:, None, :2, 2] * scale
        near = (np.abs(joints_px) < 10 * size_px).all(-1)
        depth_m = np.where(present[..., 0], camera_m[:, :, J["pelvis"], 2], np.inf)
        return cls(
            joints_px=joints_px,
            drawable=present & near & np.isfinite(joints_px).all(-1),
            order=np.argsort(-depth_m, axis=0, kind="stable").T,
            predicted=take.state == State.PREDICTED,
            contact=(take.contact >= CONTACT_THRESHOLD) & present,
            person_id=take.person_id,
            thickness=max(2, round(float(size_px.max()) / 400)),
        )

    def draw(self, picture: np.ndarray, frame: int) -> None:
        """Draw everybody of a frame onto an (H, W, 3) uint8 RGB picture, in place."""
        for person in self.order[frame]:
            drawable, joints_px = self.drawable[person, frame], self.joints_px[person, frame]
            if not drawable.any():
                continue
            colour = COLOURS[person % len(COLOURS)]
            predicted = bool(self.predicted[person, frame])
            if predicted:
                colour = tuple((value + 2 * 255) // 3 for value in colour)
            self._bones(picture, joints_px, drawable, colour, predicted)
            self._contacts(picture, joints_px, drawable, self.contact[person, frame], colour)
            self._label(picture, joints_px, drawable, str(self.person_id[person]), colour)

    def _bones(
        self, picture: np.ndarray, joints_px: np.ndarray, drawable: np.ndarray, colour: tuple[int, ...], dashed: bool
    ) -> None:
        bones = np.flatnonzero(drawable & drawable[PARENTS] & (PARENTS >= 0))
        start, end = joints_px[PARENTS[bones]], joints_px[bones]
        lines = np.stack([start, end], axis=1)
        if dashed:
            lines = _dashes(start, end, _DASH_PERIOD * self.thickness)
        fixed = list(_fixed_point(lines))
        for tone, width in ((OUTLINE, self.thickness + 2), (colour, self.thickness)):
            cv2.polylines(picture, fixed, False, tone, width, cv2.LINE_AA, _SUBPIXEL_BITS)

    def _contacts(
        self,
        picture: np.ndarray,
        joints_px: np.ndarray,
        drawable: np.ndarray,
        contact: np.ndarray,
        colour: tuple[int, ...],
    ) -> None:
        for touching, joint in zip(contact, CONTACT_JOINTS):
            if touching and drawable[joint]:
                centre = _fixed_point(joints_px[joint]).tolist()
                radius = 2 * self.thickness << _SUBPIXEL_BITS
                cv2.circle(picture, centre, radius, OUTLINE, self.thickness + 2, cv2.LINE_AA, _SUBPIXEL_BITS)
                cv2.circle(picture, centre, radius, (255, 255, 255), self.thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
                cv2.circle(picture, centre, radius // 3, colour, -1, cv2.LINE_AA, _SUBPIXEL_BITS)

    def _label(
        self, picture: np.ndarray, joints_px: np.ndarray, drawable: np.ndarray, text: str, colour: tuple[int, ...]
    ) -> None:
        top = joints_px[J["head_top"]] if drawable[J["head_top"]] else joints_px[drawable][0]
        _text(picture, text, (round(top[0]) + 4 * self.thickness, round(top[1])), 0.28 * self.thickness, colour)


def _sheet_frames(take: Take) -> np.ndarray:
    """(up to `SHEET_CELLS`,) increasing frames: one of each equal part of the take, where most people are there."""
    people = (take.state == State.OBSERVED).sum(0) + 0.5 * (take.state == State.PREDICTED).sum(0)
    parts = np.array_split(np.arange(take.frame_count), min(SHEET_CELLS, take.frame_count))
    # The middle of a part wins among frames with as many people.
    return np.array([part[np.argmax(people[part] - 0.4 * np.abs(np.linspace(-1, 1, len(part))))] for part in parts])


def _cell(picture: np.ndarray, time_s: float) -> np.ndarray:
    height, width = picture.shape[:2]
    columns = _columns(width, height)
    cell_width = SHEET_WIDTH_PX // columns
    cell = cv2.resize(picture, (cell_width, round(height * cell_width / width)), interpolation=cv2.INTER_AREA)
    _text(cell, f"{time_s:.2f} s", (10, cell.shape[0] - 12), 0.6, (255, 255, 255))
    return cell


def _columns(width: int, height: int) -> int:
    return 3 if width >= height else SHEET_CELLS


def _sheet(cells: list[np.ndarray]) -> np.ndarray:
    height, width = cells[0].shape[:2]
    columns = min(_columns(width, height), len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = cell
    return sheet


def _text(picture: np.ndarray, text: str, at: tuple[int, int], size: float, colour: tuple[int, ...]) -> None:
    for tone, width in ((OUTLINE, 4), (colour, 2)):
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, tone, width, cv2.LINE_AA)


def _dashes(start_px: np.ndarray, end_px: np.ndarray, period_px: float) -> np.ndarray:
    """(dashes, 2, 2) strokes along lines from (N, 2) to (N, 2), at least one to each."""
    counts = np.maximum(1, np.round(np.linalg.norm(end_px - start_px, axis=1) / period_px)).astype(int)
    line = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = (within[:, None] + 0.5 + _DASH_SHARE * np.array([-0.5, 0.5])) / counts[line, None]
    return start_px[line, None] + parts[..., None] * (end_px - start_px)[line, None]


def _fixed_point(points_px: np.ndarray) -> np.ndarray:
    return np.round(points_px * (1 << _SUBPIXEL_BITS)).astype(np.int32)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A temporary name to write to, which becomes `path` at the end, unless something goes wrong."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield partial
        partial.replace(path)
    finally:
        # Where the folder cannot be written to, there is nothing to remove, and the error that matters is on its way.
        with contextlib.suppress(OSError):
            partial.unlink()
