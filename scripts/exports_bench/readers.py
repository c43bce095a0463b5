"""Readers of exported files that share no code with the exporters: pygltflib, OpenUSD, and evaluations of FBX and BVH
that are written here.

Each gives joints in Blender's world, metres, by the axes and the unit that the file itself declares.
"""

# pygltflib and OpenUSD come without types, or with wrong ones.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false
# pyright: reportOptionalIterable=false, reportOptionalSubscript=false, reportCallIssue=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import bpy  # noqa: F401 - modules of the host side need it to be there first
import numpy as np

from animepose_blender.host.exports import fbx_records


@dataclass(frozen=True, eq=False)
class Skeleton:
    """One skeleton of a file over F times."""

    name: str
    bones: tuple[str, ...]
    parents: tuple[int, ...]
    joints_m: np.ndarray
    """(F, B, 3) world axes of Blender."""
    scale_off: float
    """How far a scale of a bone, or of an object above, ever is from 1."""
    object_turn_deg: float
    """How far the objects above the bones are turned, in the file's own axes."""

    @property
    def roots(self) -> list[str]:
        """Bones without a bone above."""
        return [bone for bone, parent in zip(self.bones, self.parents, strict=True) if parent < 0]


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file holds."""

    skeletons: dict[str, Skeleton]
    rate: float
    """Frames a second: what the file says, or what its keys are apart."""
    first_s: float
    """Time of the first key, seconds; of a USD file, its time code by its rate."""
    last_s: float
    meshes: int
    armature_names: tuple[str, ...] = ()


def _matrix(translation: np.ndarray, quaternion_xyzw: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(F, 4, 4)"""
    x, y, z, w = np.moveaxis(quaternion_xyzw / np.linalg.norm(quaternion_xyzw, axis=-1, keepdims=True), -1, 0)
    rotation = np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
            np.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
            np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )
    matrix = np.tile(np.eye(4), (len(translation), 1, 1))
    matrix[:, :3, :3] = rotation * scale[:, None, :]
    matrix[:, :3, 3] = translation
    return matrix


def _turn_deg(matrix: np.ndarray) -> float:
    rotation = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def read_glb(path: Path, count: int, rate: float) -> Contents:
    """A .glb at `count` times from its first key on, `rate` a second; animation 0, linear or stepped keys."""
    from pygltflib import GLTF2

    gltf = GLTF2().load(str(path))
    blob = gltf.binary_blob()
    kinds = {5126: "<f4", 5123: "<u2", 5125: "<u4", 5121: "u1"}
    widths = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}

    def values(index: int) -> np.ndarray:
        accessor = gltf.accessors[index]
        view = gltf.bufferViews[accessor.bufferView]
        start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
        kind, width = np.dtype(kinds[accessor.componentType]), widths[accessor.type]
        flat = np.frombuffer(blob, kind, accessor.count * width, start)
        return flat.reshape(accessor.count, width).astype(np.float64)

    (animation,) = gltf.animations
    keys = [values(sampler.input)[:, 0] for sampler in animation.samplers]
    first_s, last_s = min(k[0] for k in keys), max(k[-1] for k in keys)
    times_s = first_s + np.arange(count) / rate
    moving: dict[tuple[int, str], np.ndarray] = {}
    for channel in animation.channels:
        sampler = animation.samplers[channel.sampler]
        key_s, value = keys[channel.sampler], values(sampler.output)
        at = np.clip(np.searchsorted(key_s, times_s + 1e-5) - 1, 0, len(key_s) - 1)
        after = np.minimum(at + 1, len(key_s) - 1)
        span = np.maximum(key_s[after] - key_s[at], 1e-9)
        share = np.clip((times_s - key_s[at]) / span, 0, 1)[:, None]
        if sampler.interpolation == "STEP":
            share = np.zeros_like(share)
        end = value[after]
        if channel.target.path == "rotation":
            end = np.where((value[at] * end).sum(-1, keepdims=True) < 0, -end, end)
        moving[channel.target.node, channel.target.path] = value[at] * (1 - share) + end * share

    above = {child: number for number, node in enumerate(gltf.nodes) for child in node.children or []}

    def local(number: int) -> np.ndarray:
        node = gltf.nodes[number]
        parts = []
        for path_, at_rest in (("translation", (0, 0, 0)), ("rotation", (0, 0, 0, 1)), ("scale", (1, 1, 1))):
            still = np.tile(np.array(getattr(node, path_) or at_rest, dtype=np.float64), (count, 1))
            parts.append(moving.get((number, path_), still))
        return _matrix(*parts)

    known: dict[int, np.ndarray] = {}

    def world(number: int) -> np.ndarray:
        if number not in known:
            own = local(number)
            known[number] = world(above[number]) @ own if number in above else own
        return known[number]

    skeletons = {}
    for skin in gltf.skins:
        joints = list(skin.joints)
        place = {joint: number for number, joint in enumerate(joints)}
        top = next(joint for joint in joints if above.get(joint) not in place)
        holder = above.get(top)
        matrices = np.stack([world(joint) for joint in joints], axis=1)
        at = matrices[..., :3, 3]
        name = gltf.nodes[holder].name if holder is not None else skin.name
        skeletons[name] = Skeleton(
            name, tuple(gltf.nodes[joint].name for joint in joints),
            tuple(place.get(above.get(joint, -1), -1) for joint in joints),
            np.stack([at[..., 0], -at[..., 2], at[..., 1]], -1),
            float(np.abs(np.linalg.norm(matrices[..., :3, :3], axis=-2) - 1).max()),
            _turn_deg(world(holder)[0]) if holder is not None else 0.0,
        )  # fmt: skip
    longest = max(keys, key=len)
    key_rate = float((len(longest) - 1) / (longest[-1] - longest[0])) if len(longest) > 1 else rate
    return Contents(skeletons, key_rate, first_s, last_s, len(gltf.meshes), tuple(skeletons))


FBX_SECOND = 46186158000
"""Units of FBX's time."""


def read_fbx(path: Path, count: int, rate: float) -> Contents:
    """An .fbx at `count` times from its first key on, evaluated from its raw records as importers do: local transforms
    of translation, rotation (x, then y, then z) and scale, along the connections."""
    top = {record.name: record for record in fbx_records.parse(path.read_bytes())[0]}
    settings = _fbx_properties(top[b"GlobalSettings"])
    objects = {one.value(0): one for one in top[b"Objects"].children}
    links = [
        (one.value(1), one.value(2), one.value(3) if len(one.properties) > 3 else b"")
        for one in top[b"Connections"].children
    ]
    models = [of for of, one in objects.items() if one.name == b"Model"]
    names = {of: objects[of].value(1).split(b"\0")[0].decode() for of in models}
    above = {source: target for source, target, _ in links if source in names and (target in names or target == 0)}
    at_rest = {of: _fbx_properties(objects[of]) for of in models}
    for of in models:
        if set(at_rest[of]) & {"PreRotation", "PostRotation", "RotationPivot", "ScalingPivot"}:
            raise ValueError(f"{names[of]} has pivots, which this reader does not know")

    curves = {of for of, one in objects.items() if one.name == b"AnimationCurve"}
    driven = {source: (target, prop.decode()) for source, target, prop in links if target in names and prop}
    keys: dict[tuple[int, str, str], tuple[np.ndarray, np.ndarray]] = {}
    for source, target, prop in links:
        if source in curves and target in driven:
            one = objects[source]
            key_s = one.find(b"KeyTime").value(0) / FBX_SECOND
            keys[(*driven[target], prop.decode()[-1])] = key_s, one.find(b"KeyValueFloat").value(0)
    first_s, last_s = min(k[0][0] for k in keys.values()), max(k[0][-1] for k in keys.values())
    times_s = first_s + np.arange(count) / rate

    def channel(of: int, name: str, default: float) -> np.ndarray:
        still = at_rest[of].get(name, [default] * 3)
        axes = [keys.get((of, name, axis)) for axis in "XYZ"]
        parts = [np.full(count, v) if k is None else np.interp(times_s, *k) for v, k in zip(still, axes, strict=True)]
        return np.stack(parts, -1)

    world: dict[int, np.ndarray] = {0: np.tile(np.eye(4), (count, 1, 1))}

    def placed(of: int) -> np.ndarray:
        if of not in world:
            turn_x, turn_y, turn_z = (
                np.stack([np.sin(half) * (axis == k) for k in range(3)] + [np.cos(half)], -1)
                for axis, half in enumerate(np.radians(channel(of, "Lcl Rotation", 0.0)).T / 2)
            )
            scale, nothing = channel(of, "Lcl Scaling", 1.0), np.zeros((count, 3))
            own = _matrix(channel(of, "Lcl Translation", 0.0), turn_z, np.ones((count, 3)))
            own = own @ _matrix(nothing, turn_y, np.ones((count, 3))) @ _matrix(nothing, turn_x, scale)
            world[of] = placed(above[of]) @ own
        return world[of]

    # What the file calls right, up and front are Blender's +X, +Z and -Y.
    axes = np.zeros((3, 3))
    for ours, their in (((1, 0, 0), "CoordAxis"), ((0, 0, 1), "UpAxis"), ((0, -1, 0), "FrontAxis")):
        axes[:, settings[their][0]] = np.array(ours) * settings[f"{their}Sign"][0]
    unit_m = settings["UnitScaleFactor"][0] / 100
    bones = {of for of in models if objects[of].value(2) == b"LimbNode"}
    children: dict[int, list[int]] = {}
    for of in models:
        if of in bones:
            children.setdefault(above[of], []).append(of)
    skeletons = {}
    for holder in [of for of in children if of not in bones]:
        order, waiting = [], list(children[holder])
        while waiting:
            order.append(waiting.pop(0))
            waiting = children.get(order[-1], []) + waiting
        place = {bone: number for number, bone in enumerate(order)}
        matrices = np.stack([placed(bone) for bone in order], axis=1)
        scales = np.linalg.norm(np.stack([placed(holder)[:, :3, :3], *matrices[..., :3, :3].swapaxes(0, 1)]), axis=-2)
        skeletons[names[holder]] = Skeleton(
            names[holder], tuple(names[bone] for bone in order), tuple(place.get(above[bone], -1) for bone in order),
            matrices[..., :3, 3] @ axes.T * unit_m, float(np.abs(scales - 1).max()), _turn_deg(placed(holder)[0]),
        )  # fmt: skip
    meshes = sum(objects[of].value(2) == b"Mesh" for of in models)
    key_rate = FBX_RATES.get(settings["TimeMode"][0], settings["CustomFrameRate"][0])
    return Contents(skeletons, key_rate, first_s, last_s, meshes, tuple(skeletons))


FBX_RATES = {2: 100.0, 3: 60.0, 4: 50.0, 5: 48.0, 6: 30.0, 8: 30000 / 1001, 10: 25.0, 11: 24.0, 13: 24000 / 1001}
"""TimeMode → frames a second; others have theirs in CustomFrameRate."""


def _fbx_properties(record: fbx_records.Record) -> dict[str, list]:
    """Name → values of an object's own properties."""
    listed = record.find(b"Properties70").children
    return {one.value(0).decode(): [one.value(i) for i in range(4, len(one.properties))] for one in listed}


def read_usd(path: Path, count: int, rate: float) -> Contents:
    """A USD file at `count` time codes from its first on."""
    from pxr import Gf, Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(str(path))
    unit = UsdGeom.GetStageMetersPerUnit(stage)
    y_up = UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.y
    first = stage.GetStartTimeCode()
    cache, skeletons, meshes = UsdSkel.Cache(), {}, 0
    for prim in stage.Traverse():
        meshes += prim.IsA(UsdGeom.Mesh)
        if not prim.IsA(UsdSkel.Root):
            continue
        root = UsdSkel.Root(prim)
        cache.Populate(root, Usd.PrimDefaultPredicate)
        for child in Usd.PrimRange(prim):
            if not child.IsA(UsdSkel.Skeleton):
                continue
            query = cache.GetSkelQuery(UsdSkel.Skeleton(child))
            paths = [str(joint) for joint in query.GetJointOrder()]
            matrices = np.empty((count, len(paths), 4, 4))
            turn_deg = 0.0
            for number in range(count):
                time = Usd.TimeCode(first + number)
                placed = UsdGeom.XformCache(time).GetLocalToWorldTransform(child)
                turn_deg = max(turn_deg, _turn_deg(np.array(placed).T))
                matrices[number] = [np.array(m * Gf.Matrix4d(placed)).T for m in query.ComputeJointSkelTransforms(time)]
            at = matrices[..., :3, 3] * unit
            name = prim.GetName()
            skeletons[name] = Skeleton(
                name, tuple(p.rsplit("/", 1)[-1] for p in paths),
                tuple(paths.index(p.rsplit("/", 1)[0]) if "/" in p else -1 for p in paths),
                np.stack([at[..., 0], -at[..., 2], at[..., 1]], -1) if y_up else at,
                float(np.abs(np.linalg.norm(matrices[..., :3, :3], axis=-2) - 1).max()), turn_deg,
            )  # fmt: skip
    codes = stage.GetTimeCodesPerSecond()
    return Contents(skeletons, codes, first / codes, stage.GetEndTimeCode() / codes, meshes, tuple(skeletons))


def read_bvh(path: Path, count: int, rate: float) -> Contents:
    """A .bvh, in metres and with Y up, which the format does not say."""
    words = path.read_text(encoding="utf-8").split()
    names, parents, offsets, channels = [], [], [], []
    stack: list[int] = []
    at, in_end = 1, False
    while words[at] != "MOTION":
        word = words[at]
        if word in ("ROOT", "JOINT"):
            names.append(words[at + 1])
            parents.append(stack[-1] if stack else -1)
            at += 2
        elif word == "End":
            in_end, at = True, at + 2
        elif word == "{":
            stack.append(-1 if in_end else len(names) - 1)
            at += 1
        elif word == "}":
            in_end = False
            stack.pop()
            at += 1
        elif word == "OFFSET":
            if not in_end:
                offsets.append([float(value) for value in words[at + 1 : at + 4]])
            at += 4
        elif word == "CHANNELS":
            number = int(words[at + 1])
            channels.append(words[at + 2 : at + 2 + number])
            at += 2 + number
        else:
            raise ValueError(f"unexpected {word!r}")
    frames, frame_time_s = int(words[at + 2]), float(words[at + 5])
    motion = np.array(words[at + 6 :], dtype=np.float64).reshape(frames, sum(map(len, channels)))
    world: list[np.ndarray] = []
    column = 0
    for bone, own in enumerate(channels):
        local = np.tile(np.eye(4), (frames, 1, 1))
        places = [channel for channel in own if channel.endswith("position")]
        local[:, :3, 3] = np.array(offsets[bone]) if not places else 0.0
        for channel in own:
            values, axis = motion[:, column], "XYZ".index(channel[0])
            column += 1
            if channel.endswith("position"):
                local[:, axis, 3] += values
                continue
            turn = np.tile(np.eye(4), (frames, 1, 1))
            one, other = (axis + 1) % 3, (axis + 2) % 3
            turn[:, one, one] = turn[:, other, other] = np.cos(np.radians(values))
            turn[:, one, other], turn[:, other, one] = -np.sin(np.radians(values)), np.sin(np.radians(values))
            local[:, :3, :3] = local[:, :3, :3] @ turn[:, :3, :3]
        world.append(local if parents[bone] < 0 else world[parents[bone]] @ local)
    place = np.stack(world, axis=1)[:, :, :3, 3]
    joints_m = np.stack([place[..., 0], -place[..., 2], place[..., 1]], -1)[:count]
    name = path.name.split(".")[-2]
    skeleton = Skeleton(name, tuple(names), tuple(parents), joints_m, 0.0, 0.0)
    return Contents({name: skeleton}, 1 / frame_time_s, 0.0, (frames - 1) * frame_time_s, 0, (name,))


READERS: Mapping[str, Callable[[Path, int, float], Contents]] = {
    "fbx": read_fbx, "glb": read_glb, "usd": read_usd, "bvh": read_bvh,
}  # fmt: skip
"""Format → reader of a file's path, number of frames, and frames a second."""
