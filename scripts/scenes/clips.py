"""The benchmark's clips as plain data: who does what where, and how it is filmed.

Two halves of comparable kinds. `dev` is for tuning. `test` plays recordings that are held out everywhere, and `dev`
never plays one of them (see `HELD_OUT`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .paths import CameraPath
from .places import Box, Column, Tree

HELD_OUT = re.compile(r"cmu_(martial_.*|007_.*|jumping_.*|.*_b|salsa_(13|14|15|28|29|30))")
"""Recordings of the test split, by their whole names."""


@dataclass(frozen=True)
class Solo:
    """One person with one recording.

    Attributes:
        who: a name of the cast.
        recording, start_s, speed: what is played, from where, how fast.
        at: where the person is on the floor in the middle of the clip, metres.
        heading_deg: where the person goes or, when staying within a metre, looks in the middle of the clip; 0 is +X,
            90 is +Y. None leaves the recording as it is, but for `turn_deg`.
        airborne: jumps.
    """

    who: str
    recording: str
    start_s: float
    at: tuple[float, float]
    heading_deg: float | None = None
    turn_deg: float = 0.0
    speed: float = 1.0
    airborne: bool = False


@dataclass(frozen=True)
class Couple:
    """Two people with the two halves of one recording, their middle at `at`, turned about it."""

    who: tuple[str, str]
    recordings: tuple[str, str]
    start_s: float
    at: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0


@dataclass(frozen=True)
class Lying:
    """One person who exercises on the back, hips at `at`, feet towards `feet_deg`."""

    who: str
    at: tuple[float, float]
    feet_deg: float


Part = Solo | Couple | Lying


@dataclass(frozen=True)
class Clip:
    """One clip of the benchmark.

    Attributes:
        tests: what it is for, in words.
        camera_kind: still, pan, hand-held or dolly.
        fov_deg: horizontal field of view.
        noted_focal: the file tells the focal length, as phones do.
    """

    name: str
    split: str
    tests: str
    place: str
    camera_kind: str
    camera: CameraPath
    fov_deg: float
    parts: tuple[Part, ...]
    size_px: tuple[int, int] = (512, 288)
    rate: int = 25
    frames: int = 75
    noted_focal: bool = False
    extra: tuple[Box | Column | Tree, ...] = ()


CLIPS: tuple[Clip, ...] = (
    Clip(
        "couple_dip", "dev", "couple dancing, one goes down behind the other", "studio", "hand-held",
        CameraPath(((0.3, -5.2, 1.6),), ((0.0, 0.0, 0.80),), shake_deg=0.8, shake_m=0.015), 40.0,
        (Couple(("deng", "carla"), ("cmu_salsa_02", "cmu_salsa_17"), 20.6, turn_deg=20),), frames=80,
    ),
    Clip(
        "crossing_pan", "dev", "three walkers cross in front of each other", "street", "pan",
        CameraPath(((0.0, -5.6, 1.65),), ((-1.5, 1.0, 0.9), (1.6, 1.0, 0.9))), 62.0,
        (
            Solo("gus", "cmu_walking_3", 0.2, (0.1, 0.1), 4.0),
            Solo("fatou", "cmu_walking_2", 0.4, (0.35, 1.1), 184.0, speed=1.2),
            Solo("emil", "cmu_walking_extra_18", 0.3, (-0.5, 2.0), -22.0),
        ), size_px=(640, 360), frames=78,
    ),
    Clip(
        "pillar", "dev", "one walks behind a column and comes out again, one stands", "hall", "still",
        CameraPath(((0.4, -5.2, 1.7),), ((0.2, 1.0, 0.95),)), 55.0,
        (
            Solo("anna", "cmu_walking_extra_27", 0.2, (-0.15, 2.4), 3.0),
            Solo("ben", "cmu_directing_traffic_4", 3.0, (2.0, 0.6), -110.0),
        ), size_px=(640, 360), frames=80, extra=(Column((0.05, 1.1), 0.42, 4.5, "bricks", 1.2),),
    ),
    Clip(
        "six_plaza", "dev", "six people: a couple, two who cross, two who stand, one of them a child", "plaza", "still",
        CameraPath(((0.1, -4.7, 2.1),), ((0.1, 1.0, 0.70),)), 72.0,
        (
            Couple(("gus", "hana"), ("cmu_salsa_05", "cmu_salsa_20"), 9.0, (-2.1, 1.3), -15.0),
            Solo("ben", "cmu_walking_extra_28", 0.3, (-0.3, 0.0), 3.0),
            Solo("carla", "cmu_walking_extra_32", 0.4, (0.5, 2.6), 181.0),
            Solo("emil", "cmu_directing_traffic_4", 14.0, (1.3, 1.3), -100.0),
            Solo("juno", "cmu_basketball_signal_1", 5.0, (2.6, 0.2), -120.0),
        ), size_px=(854, 480), frames=75,
    ),
    Clip(
        "child_dolly", "dev", "a child and a tall adult walk side by side, camera runs along", "park", "dolly",
        CameraPath(((-1.1, -5.6, 1.3), (1.3, -5.6, 1.35)), ((-1.1, 0.0, 0.85), (1.3, 0.0, 0.85))), 36.0,
        (
            Solo("ben", "cmu_walking_extra_21", 0.5, (0.15, 0.50), 0.0),
            Solo("ida", "cmu_walking_extra_38", 0.1, (0.35, -0.35), 0.0, speed=1.08),
        ), frames=76,
    ),
    Clip(
        "reentry", "dev", "one leaves the picture and comes back, one stays", "park", "still",
        CameraPath(((0.3, -5.6, 1.6),), ((0.3, 0.0, 0.9),)), 60.0,
        (
            Solo("hana", "cmu_salsa_16", 18.6, (4.35, 0.3), None, turn_deg=180.0),
            Solo("deng", "cmu_directing_traffic_4", 8.0, (-0.7, 0.2), -75.0),
        ), size_px=(640, 360), frames=100, noted_focal=True,
    ),
    Clip(
        "couple_room", "dev", "couple dancing, seen whole from a still camera", "studio", "still",
        CameraPath(((-0.6, -4.6, 1.9),), ((0.0, 0.0, 0.9),)), 50.0,
        (Couple(("emil", "fatou"), ("cmu_salsa_03", "cmu_salsa_18"), 10.0, turn_deg=10),), rate=30, frames=90,
        noted_focal=True,
    ),
    Clip(
        "solo_crouch", "dev", "one sinks into a low wide stance and comes up again, narrow view", "gym", "still",
        CameraPath(((1.5, -8.4, 1.5),), ((0.0, 0.0, 0.80),)), 24.0,
        (Solo("anna", "cmu_salsa_01", 12.4, (0.0, 0.0), -90.0),), frames=80,
    ),
    Clip(
        "floor_wide", "dev", "one lies on the floor, one dances; wide view from above", "gym", "hand-held",
        CameraPath(((0.1, -2.9, 2.1),), ((0.1, 0.3, 0.55),), shake_deg=1.0, shake_m=0.02), 90.0,
        (
            Lying("hana", (-0.9, -0.2), -20.0),
            Solo("gus", "cmu_indian_14", 0.1, (1.1, 0.7), -110.0),
        ), size_px=(640, 360), frames=75,
    ),
    Clip(
        "couple_dolly", "test", "couple dancing, camera goes round them", "hall", "dolly",
        CameraPath(((-2.3, -4.3, 1.5), (-0.4, -4.9, 1.5), (1.3, -4.7, 1.5)), ((0.0, 0.0, 0.9),)), 46.0,
        (Couple(("gus", "anna"), ("cmu_salsa_13", "cmu_salsa_28"), 16.0, turn_deg=0.0),), frames=80,
    ),
    Clip(
        "crossing_hand", "test", "three walkers cross in front of each other", "plaza", "hand-held",
        CameraPath(((0.2, -5.4, 1.6),), ((0.0, 1.0, 0.85),), shake_deg=0.9, shake_m=0.02), 60.0,
        (
            Solo("hana", "cmu_walking_extra_13_b", 0.2, (0.0, 0.0), -4.0),
            Solo("deng", "cmu_walking_extra_16_b", 0.15, (-0.3, 1.0), 178.0),
            Solo("carla", "cmu_walking_extra_18_b", 0.3, (0.4, 2.0), 205.0),
        ), size_px=(640, 360), frames=78,
    ),
    Clip(
        "pillar_pan", "test", "one walks behind a pillar while the camera pans along, one crosses in front", "garage",
        "pan", CameraPath(((0.0, -5.3, 1.55),), ((-1.3, 1.0, 0.9), (1.5, 1.0, 0.9))), 44.0,
        (
            Solo("fatou", "cmu_walking_extra_8_b", 0.2, (0.1, 2.3), 1.0),
            Solo("emil", "cmu_walking_extra_10_b", 0.2, (0.3, -0.1), 178.0),
        ), frames=80, extra=(Box((-0.35, 0.9, 0), (0.45, 1.4, 3.0), "poster:66", 1.1),),
    ),
    Clip(
        "six_hall", "test", "six people: a couple, two who cross, two at work, one of them a child", "hall", "still",
        CameraPath(((0.1, -4.6, 2.2),), ((0.1, 1.0, 0.65),)), 78.0,
        (
            Couple(("ben", "anna"), ("cmu_salsa_15", "cmu_salsa_30"), 12.4, (2.2, 1.5), 25.0),
            Solo("gus", "cmu_walking_extra_20_b", 0.2, (-0.2, 0.4), 178.0),
            Solo("hana", "cmu_walking_extra_11_b", 0.1, (-0.2, 2.8), 2.0),
            Solo("fatou", "cmu_washwindow_1_b", 6.0, (-1.1, 1.3), -60.0),
            Solo("ida", "cmu_martial_06", 23.2, (-2.3, -0.6), -50.0),
        ), size_px=(854, 480), frames=75, noted_focal=True,
    ),
    Clip(
        "reentry_edge", "test", "one steps out of the picture and comes back, one stays", "gym", "still",
        CameraPath(((0.3, -5.0, 1.8),), ((0.3, 0.0, 0.85),)), 64.0,
        (
            Solo("emil", "cmu_martial_08", 6.1, (4.29, 0.1), None, turn_deg=90.0, speed=1.4),
            Solo("carla", "cmu_washwindow_1_b", 12.0, (-0.8, 0.3), -70.0),
        ), size_px=(640, 360), frames=116, noted_focal=True,
    ),
    Clip(
        "child_street", "test", "a child jumps beside a tall adult, narrow view from low down", "street", "still",
        CameraPath(((-1.2, -7.2, 1.2),), ((0.0, 0.4, 0.92),)), 30.0,
        (
            Solo("juno", "cmu_jumping_1_b", 3.2, (0.65, 0.2), -80.0, airborne=True),
            Solo("ben", "cmu_martial_06", 23.4, (-0.55, 0.5), -95.0),
        ), frames=75,
    ),
    Clip(
        "floor_hand", "test", "one lies on the floor, one crouches and leaps past; wide view held by hand", "studio",
        "hand-held", CameraPath(((0.0, -3.0, 1.9),), ((0.0, 0.3, 0.60),), shake_deg=1.1, shake_m=0.02), 88.0,
        (
            Lying("fatou", (0.6, -0.4), 200.0),
            Solo("deng", "cmu_martial_10", 1.5, (-0.1, 0.9), 180.0, airborne=True),
        ), size_px=(640, 360), frames=78,
    ),
)  # fmt: skip
"""In the order in which they are drawn."""
