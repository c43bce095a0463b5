"""Motion-capture recordings as BVH files, which is how animators get them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from animepose_blender.core import quaternions as quat


def write_bvh(recording: Path, path: Path, seconds: float) -> Path:
    """The beginning of a recording as a BVH file; its own unit and axes (Y up).

    Args:
        recording: an .npz with `joint_names`, `parents`, `offsets`, `rotations` (wxyz, local), `root` and `fps`.
    """
    with np.load(recording, allow_pickle=False) as data:
        names = [str(name) for name in data["joint_names"]]
        parents, offsets, fps = data["parents"].tolist(), data["offsets"].astype(np.float64), float(data["fps"])
        count = min(len(data["rotations"]), round(seconds * fps))
        rotations = quat.normalize(data["rotations"][:count].astype(np.float64))
        root = data["root"][:count].astype(np.float64)
    order: list[int] = []
    lines = ["HIERARCHY"]

    def add(joint: int, depth: int) -> None:
        indent = "  " * depth
        order.append(joint)
        channels = "6 Xposition Yposition Zposition" if parents[joint] < 0 else "3"
        children = [child for child, parent in enumerate(parents) if parent == joint]
        lines.extend(
            [
                f"{indent}{'ROOT' if parents[joint] < 0 else 'JOINT'} {names[joint]}",
                f"{indent}{{",
                f"{indent}  OFFSET {' '.join(f'{v:.6f}' for v in offsets[joint] * (parents[joint] >= 0))}",
                f"{indent}  CHANNELS {channels} Zrotation Xrotation Yrotation",
            ]
        )
        for child in children:
            add(child, depth + 1)
        if not children:
            lines.extend([f"{indent}  End Site", f"{indent}  {{", f"{indent}    OFFSET 0 1 0", f"{indent}  }}"])
        lines.append(f"{indent}}}")

    add(parents.index(-1), 0)
    angles = _zxy_deg(quat.to_matrix(rotations[:, order]))
    rows = np.concatenate([root, angles.reshape(count, -1)], axis=1)
    lines += ["MOTION", f"Frames: {count}", f"Frame Time: {1 / fps:.6f}"]
    lines += [" ".join(f"{value:.5f}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def _zxy_deg(m: np.ndarray) -> np.ndarray:
    """(..., 3) angles z, x, y with R = Rz Rx Ry."""
    x = np.arcsin(np.clip(m[..., 2, 1], -1.0, 1.0))
    z = np.arctan2(-m[..., 0, 1], m[..., 1, 1])
    y = np.arctan2(-m[..., 2, 0], m[..., 2, 2])
    return np.degrees(np.stack([z, x, y], axis=-1))
