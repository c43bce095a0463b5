"""Figures of an error bank as Markdown: bias, spread, time, circumstances, swapped sides, joints in space."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.optimize import least_squares

from animepose_blender.estimate.lifting.encoding import RATE_HZ
from animepose_blender.skeleton import JOINTS, MIRROR, J

from .pairs import Pairs

GROUPS = {
    "head": ("nose", "left_ear", "right_ear"),
    "shoulders, hips": ("left_shoulder", "right_shoulder", "left_hip", "right_hip"),
    "elbows, wrists": ("left_elbow", "right_elbow", "left_wrist", "right_wrist"),
    "knuckles": ("left_index_knuckle", "right_index_knuckle", "left_pinky_knuckle", "right_pinky_knuckle"),
    "knees, ankles": ("left_knee", "right_knee", "left_ankle", "right_ankle"),
    "heels, toes": ("left_heel", "right_heel", "left_toe", "right_toe"),
}
LAGS_S = (1 / 30, 0.1, 0.2, 0.4, 0.8, 1.2)
SWAPPED_M = 0.12
"""Sides nearer to each other than this, in the mean of a limb's joints, cannot be told to be swapped."""
FASTEST_S, SLOWEST_S = 0.01, 5.0
SEGMENTS = {
    "trunk": ("pelvis", "neck"), "upper arm": ("left_shoulder", "left_elbow"), "forearm": ("left_elbow", "left_wrist"),
    "thigh": ("left_hip", "left_knee"), "shin": ("left_knee", "left_ankle"),
}  # fmt: skip
ARMS = ("elbow", "wrist")
LEGS = ("knee", "ankle", "heel", "toe")


def _indices(names: Iterable[str]) -> list[int]:
    return [J[name] for name in names]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|", *("| " + " | ".join(row) + " |" for row in rows)]


def _mm(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{1000 * value:.0f}"


def body_axes(truth_view_m: np.ndarray) -> np.ndarray:
    """(M, 3, 3) rows are the person's left, back-to-front and up along the trunk, in view axes."""
    up = truth_view_m[:, J["neck"]] - truth_view_m[:, J["pelvis"]]
    up = up / np.linalg.norm(up, axis=-1, keepdims=True)
    left = truth_view_m[:, J["left_hip"]] - truth_view_m[:, J["right_hip"]]
    left += truth_view_m[:, J["left_shoulder"]] - truth_view_m[:, J["right_shoulder"]]
    left = left - np.sum(left * up, axis=-1, keepdims=True) * up
    left = left / np.linalg.norm(left, axis=-1, keepdims=True)
    return np.stack([left, np.cross(up, left) * -1.0, up], axis=1)


def offset_in_body(pairs: Pairs, joint: int) -> np.ndarray:
    """(3,) metres to the person's left, forwards and up by which the keypoint lies beside the joint: the constant
    offset in the body's axes that explains most of the errors across the view."""
    error = pairs.plane_seen[:, joint] - pairs.plane_true[:, joint]
    axes = body_axes(pairs.truth_view_m)[..., :2]
    good = np.isfinite(error).all(axis=-1) & (np.linalg.norm(error, axis=-1) < 0.15)
    matrix = np.swapaxes(axes[good], 1, 2).reshape(-1, 3)
    return np.linalg.lstsq(matrix, error[good].ravel(), rcond=None)[0]


def autocorrelation(pairs: Pairs, values: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """(L,) correlation of (M, ...) values with themselves so many rows later in the same track, all columns as one."""
    values = np.where(np.isfinite(values), values, 0.0).reshape(len(values), -1)
    products, powers = np.zeros(len(lags)), np.zeros(len(lags))
    for span in pairs.spans():
        own = values[span]
        for k, lag in enumerate(lags):
            if lag >= len(own):
                continue
            a, b = own[:-lag], own[lag:]
            products[k] += (a * b).sum()
            powers[k] += 0.5 * ((a * a).sum() + (b * b).sum())
    return products / np.maximum(powers, 1e-12)


def time_constants(pairs: Pairs, values: np.ndarray) -> dict[str, float]:
    """Shares and time constants of r(t) = lasting + slow exp(-t / slow_s) + the rest, new in each frame."""
    longest = min(int(1.5 * RATE_HZ), max(span.stop - span.start for span in pairs.spans()) - 1)
    lags = np.arange(1, longest + 1)
    found = autocorrelation(pairs, values, lags)

    def gap(x: np.ndarray) -> np.ndarray:
        return x[0] + x[1] * np.exp(-lags / RATE_HZ / x[2]) - found

    fit = least_squares(gap, [0.3, 0.5, 0.2], bounds=([0, 0, FASTEST_S], [1, 1, SLOWEST_S])).x
    return {"lasting": float(fit[0]), "slow": float(fit[1]), "slow_s": float(fit[2])}


def _distance(error: np.ndarray, joints: list[int], where: np.ndarray | None = None) -> np.ndarray:
    """Lengths of the known errors of some joints, flat."""
    length = np.linalg.norm(error[:, joints], axis=-1)
    return length[np.isfinite(length) & (True if where is None else where[:, joints])]


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def swapped(pairs: Pairs, stems: tuple[str, ...]) -> np.ndarray:
    """(M,) bool: the keypoints of a pair of limbs fit much better when left and right are exchanged."""
    joints = _indices(f"{side}_{stem}" for side in ("left", "right") for stem in stems)
    true, seen = pairs.plane_true[:, joints], pairs.plane_seen[:, joints]
    other = pairs.plane_true[:, MIRROR[joints]]
    apart = np.linalg.norm(true - other, axis=-1).mean(axis=-1)
    as_it_is = np.linalg.norm(seen - true, axis=-1).mean(axis=-1)
    exchanged = np.linalg.norm(seen - other, axis=-1).mean(axis=-1)
    return (apart > SWAPPED_M) & (exchanged < 0.6 * as_it_is)


def _keypoints(pairs: Pairs) -> list[str]:
    error, _ = pairs.errors()
    rows = []
    for joint, name in enumerate(JOINTS):
        if not np.isfinite(error[:, joint]).any():
            continue
        own = error[:, joint]
        left, forward, up = offset_in_body(pairs, joint)
        length = np.linalg.norm(own, axis=-1)
        rows.append(
            [name.replace("_", " "), *(_mm(float(v)) for v in np.nanmean(own, axis=0)), _mm(left), _mm(forward),
             _mm(up), _mm(_median(_distance(error, [joint]))), _mm(float(np.nanpercentile(length, 90))),
             f"{pairs.visible[:, joint].mean():.2f}", f"{pairs.confidence[:, joint].mean():.2f}"]
        )  # fmt: skip
    head = ["mm", "right", "down", "to its left", "forwards", "up", "median", "90 %", "seen", "confidence"]
    return _table(head, rows)


def _times(pairs: Pairs) -> list[str]:
    plane, space = pairs.errors()
    lags = np.array([round(lag * RATE_HZ) for lag in LAGS_S])
    rows = []
    for kind, error in (("across the view", plane), ("depth", space[..., 2:])):
        for group, names in GROUPS.items():
            own = error[:, _indices(names)]
            # Without the mean of all, which is no noise, and without the wildest, which would be all that is seen.
            own = np.clip(own - np.nanmean(own, axis=0), -0.3, 0.3)
            fit = time_constants(pairs, own)
            rows.append(
                [f"{group}, {kind}", _mm(float(np.nanstd(own))),
                 *(f"{r:.2f}" for r in autocorrelation(pairs, own, lags)), f"{100 * fit['lasting']:.0f}",
                 f"{100 * fit['slow']:.0f}", f"{fit['slow_s']:.2f}",
                 f"{100 * max(1 - fit['lasting'] - fit['slow'], 0):.0f}"]
            )  # fmt: skip
    head = ["", "spread mm", *(f"r({lag:.2g} s)" for lag in LAGS_S), "lasting %", "slow %", "slow s", "new %"]
    return _table(head, rows)


def speeds(pairs: Pairs) -> np.ndarray:
    """(M, J) metres a second of the true joints across the view, relative to the root."""
    found = np.zeros(pairs.visible.shape)
    for span in pairs.spans():
        at = pairs.truth_view_m[span][..., :2]
        if len(at) > 1:
            found[span] = np.linalg.norm(np.gradient(at, 1 / RATE_HZ, axis=0), axis=-1)
    return found


def _circumstances(pairs: Pairs) -> list[str]:
    error, _ = pairs.errors()
    speed, seen = speeds(pairs), pairs.visible
    steep = np.broadcast_to(pairs.pitch_rad[:, None] > np.radians(20), seen.shape)
    forward = body_axes(pairs.truth_view_m)[:, 1, 2]
    kinds = {
        "seen": seen, "hidden": ~seen, "below 0.3 m/s": speed < 0.3, "0.3 to 1 m/s": (speed >= 0.3) & (speed < 1),
        "above 1 m/s": speed >= 1, "confidence above 0.8": pairs.confidence > 0.8,
        "0.3 to 0.8": (pairs.confidence >= 0.3) & (pairs.confidence <= 0.8), "below 0.3": pairs.confidence < 0.3,
        "from in front": np.broadcast_to((forward < -0.7)[:, None], seen.shape),
        "from the side": np.broadcast_to((np.abs(forward) <= 0.7)[:, None], seen.shape),
        "from behind": np.broadcast_to((forward > 0.7)[:, None], seen.shape), "camera over 20° down": steep,
    }  # fmt: skip
    rows = [
        [name, *(f"{_mm(_median(_distance(error, _indices(g), where)))}" for g in GROUPS.values())]
        for name, where in kinds.items()
    ]
    return _table(["median mm", *GROUPS], rows)


def lean_deg(joints_view_m: np.ndarray) -> np.ndarray:
    """(M,) how far the trunks of joints (M, J, 3) relative to the pelvis lean away from the camera."""
    neck = joints_view_m[:, J["neck"]]
    return np.degrees(np.arctan2(neck[:, 2], -neck[:, 1]))


def _space(pairs: Pairs) -> list[str]:
    _, error = pairs.errors()
    rows = []
    for segment, names in SEGMENTS.items():
        first, last = _indices(names)
        ends = [(first, last)] if segment == "trunk" else [(first, last), (MIRROR[first], MIRROR[last])]
        true = np.concatenate([pairs.truth_view_m[:, b] - pairs.truth_view_m[:, a] for a, b in ends])
        seen = np.concatenate([pairs.seen_view_m[:, b] - pairs.seen_view_m[:, a] for a, b in ends])
        ratio = np.linalg.norm(seen, axis=-1) / np.linalg.norm(true, axis=-1)
        slope = np.polyfit(true[:, 2], seen[:, 2], 1)
        rows.append(
            [segment, f"{np.median(ratio):.2f}", f"{np.std(ratio):.2f}", f"{slope[0]:.2f}",
             f"{np.corrcoef(true[:, 2], seen[:, 2])[0, 1]:.2f}", _mm(float(np.mean(seen[:, 2] - true[:, 2])))]
        )  # fmt: skip
    head = ["", "length over the true one", "spread", "slope of depth", "correlation", "depth bias mm"]
    lean = lean_deg(pairs.seen_view_m) - lean_deg(pairs.truth_view_m)
    lean = (lean + 180) % 360 - 180
    pitch = np.degrees(pairs.pitch_rad)
    steps = [(a, b, (pitch >= a) & (pitch < b)) for a, b in ((-10, 5), (5, 15), (15, 25), (25, 90))]
    by_pitch = [f"{np.median(lean[own]):+.1f}° at {a}° to {b}°" for a, b, own in steps if own.any()]
    whole = np.linalg.norm(error, axis=-1)
    text = (
        f"The trunk leans {np.median(lean):+.1f}° away from the camera against the true one (median; half of the rows "
        f"lie between {np.percentile(lean, 25):+.1f}° and {np.percentile(lean, 75):+.1f}°); by how far the camera "
        f"looks down: {', '.join(by_pitch)}. Mean distance of the "
        f"joints in space {1000 * whole.mean():.0f} mm, of which across the view "
        f"{1000 * np.linalg.norm(error[..., :2], axis=-1).mean():.0f} mm and in depth "
        f"{1000 * np.abs(error[..., 2]).mean():.0f} mm."
    )
    return [*_table(head, rows), "", text]


def report(pairs: Pairs) -> list[str]:
    """All figures, line by line."""
    length = [span.stop - span.start for span in pairs.spans()]
    arms, legs = swapped(pairs, ARMS), swapped(pairs, LEGS)
    forward = body_axes(pairs.truth_view_m)[:, 1, 2]
    return [
        f"{len(pairs)} rows of {len(length)} tracks ({np.mean(length) / RATE_HZ:.1f} s in the mean) that play "
        f"{len(set(pairs.recording))} recordings; {100 * (forward < -0.7).mean():.0f} % seen from in front, "
        f"{100 * (forward > 0.7).mean():.0f} % from behind, the rest from the side; camera "
        f"{np.degrees(pairs.pitch_rad.min()):.0f}° to {np.degrees(pairs.pitch_rad.max()):.0f}° down.",
        "", "Keypoints across the view: mean error, the offset in the body's own axes that explains most of it, and "
        "how far they are off.", "", *_keypoints(pairs),
        "", "The same, by circumstances.", "", *_circumstances(pairs),
        "", "Errors over time: correlation after so many seconds, and the fit r(t) = lasting + slow exp(-t / s) + new.",
        "", *_times(pairs),
        "", f"Left and right exchanged: arms in {100 * arms.mean():.1f} % of the rows, legs in "
        f"{100 * legs.mean():.1f} %; both in {100 * (arms & legs).mean():.1f} %.",
        "", "The estimator's own joints in space.", "", *_space(pairs),
    ]  # fmt: skip
