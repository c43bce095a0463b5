"""The scene's settings, and what becomes of them: a job request and import options."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import os
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest
from .import_plan import ImportOptions
from .key_options import KEY_OPTION_NAMES, KeyOptionProperties
from .models.choices import NetworkProperties

PRESET_ITEMS = (
    ("offline", "Offline", "MediaPipe Pose: runs on any CPU and fetches nothing"),
    ("quality", "Quality", "State-of-the-art networks of the models folder: more exact, and meant for a GPU; they are "
     "fetched once, when you ask for it"),
    ("animepose", "AnimePose", "The networks of the papers, trained by this project: they come with the extension, and "
     "run on a GPU or a CPU"),
    ("dummy", "Trial Run", "A made-up walking person in a second, to see what an import brings; the clip is not read"),
)  # fmt: skip
DEVICE_ITEMS = (
    ("auto", "Automatic", "The fastest device that the preset can use"),
    ("cpu", "CPU", "The processor"),
    ("cuda", "CUDA", "An NVIDIA GPU"),
    ("mps", "Metal", "An Apple GPU"),
)
FOCAL_ITEMS = (
    ("AUTO", "Automatic", "From the clip's metadata, or a usual one if it has none"),
    ("MM", "Millimetres", "As on a camera with a sensor 36 mm wide"),
)
CAMERA_ITEMS = (
    ("auto", "Find Out", "Whether and how the camera moves is read from the background"),
    ("still", "Still", "The camera does not move, as on a tripod"),
)
SIZE_ITEMS = (
    ("AUTO", "Automatic", "Average adults, as far as the floor that people share does not tell otherwise"),
    ("HEIGHT", "Known Height", "The height of one person, which settles the size of everything"),
)
FOOT_LOCK_ITEMS = (
    ("auto", "Automatic", "Heels and toes are pinned where and while they stand"),
    ("always", "Always", "The lower foot is pinned at every moment, for people who never jump"),
    ("never", "Never", "Feet are left as they were seen"),
    ("grounding", "Grounding", "The lowest point of the body is kept on the floor in every frame; feet may slide"),
)
FLOOR_ITEMS = (
    ("flat", "Flat", "Feet stand on one level floor, and nothing is below it"),
    ("none", "None", "Nothing is drawn to a floor or kept above it, as on stairs, furniture and in water"),
)
OPTION_NAMES = tuple(name for name in ImportOptions.__dataclass_fields__ if name not in ("people", "reduce"))
"""The options that are a checkbox each."""
MAX_TAKES_PER_CLIP = 1000

# From 4.5 on a path property says whether it takes paths relative to the .blend.
_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def path_property(**keywords: Any) -> Any:
    """A StringProperty for a path that may be relative to the .blend."""
    return StringProperty(options={"ANIMATABLE"} | _RELATIVE, **keywords)


class ImportOptionProperties(KeyOptionProperties):
    """What `ImportOptions` are made from; the settings and the import operator share them."""

    set_frame_range: BoolProperty(  # type: ignore
        name="Frame Range", description="Set the scene's first and last frame to the clip's", default=True
    )
    set_frame_rate: BoolProperty(  # type: ignore
        name="Frame Rate", description="Set the scene's frame rate to the clip's", default=True
    )
    make_camera: BoolProperty(  # type: ignore
        name="Camera", description="Add a camera that matches the clip and make it the scene's", default=True
    )
    show_plate: BoolProperty(  # type: ignore
        name="Video Plate", description="Show the clip behind the people when looking through the camera", default=True
    )
    make_mannequins: BoolProperty(name="Mannequins", description="Add a simple body to each armature", default=True)  # type: ignore
    make_floor: BoolProperty(  # type: ignore
        name="Floor", description="Add the floor as a grid of metres; it is not rendered unless you want it to catch "
        "shadows", default=True,
    )  # fmt: skip
    show_boxes: BoolProperty(  # type: ignore
        name="3D Boxes", description="Show each person's box in space, dashed where it is predicted", default=False
    )
    add_markers: BoolProperty(  # type: ignore
        name="Markers", description="Mark on the timeline where somebody is hidden and predicted, gone, or seen again",
        default=False,
    )  # fmt: skip

    def import_choices(self) -> dict[str, Any]:
        """The properties by their names, for the import operator."""
        return {name: getattr(self, name) for name in (*OPTION_NAMES, *KEY_OPTION_NAMES)}

    def import_options(self) -> dict[str, Any]:
        """Fields of `ImportOptions`."""
        return {name: getattr(self, name) for name in OPTION_NAMES} | {"reduce": self.within()}


class ANIMEPOSE_PG_settings(ImportOptionProperties, NetworkProperties, bpy.types.PropertyGroup):
    """Settings of "Import from Video", kept with the scene."""

    clip: path_property(name="Clip", description="Video to import people from", subtype="FILE_PATH")  # type: ignore
    take_folder: path_property(  # type: ignore
        name="Takes In", description="Folder for the estimated takes; empty: beside the clip", subtype="DIR_PATH"
    )
    whole_clip: BoolProperty(name="Whole Clip", description="Use the clip from its start to its end", default=True)  # type: ignore
    start_s: FloatProperty(  # type: ignore
        name="Start", description="First moment to use", min=0.0, soft_max=3600.0, unit="TIME_ABSOLUTE", step=10
    )
    end_s: FloatProperty(  # type: ignore
        name="End", description="Last moment to use", min=0.0, soft_max=3600.0, default=10.0,
        unit="TIME_ABSOLUTE", step=10,
    )  # fmt: skip
    preset: EnumProperty(name="Preset", description="How people are estimated", items=PRESET_ITEMS)  # type: ignore
    max_people: IntProperty(  # type: ignore
        name="Max People", description="At most this many people are imported", min=1, max=100, default=8
    )
    device: EnumProperty(name="Device", description="What the estimate runs on", items=DEVICE_ITEMS)  # type: ignore
    focal_source: EnumProperty(name="Focal Length", description="Where it comes from", items=FOCAL_ITEMS)  # type: ignore
    focal_mm: FloatProperty(  # type: ignore
        name="Length", description="Focal length, as on a camera with a sensor 36 mm wide", min=1.0, soft_max=300.0,
        default=35.0, unit="CAMERA",
    )  # fmt: skip
    camera_motion: EnumProperty(name="Movement", description="Whether the camera moves", items=CAMERA_ITEMS)  # type: ignore
    size_source: EnumProperty(name="Size", description="How large everything is", items=SIZE_ITEMS)  # type: ignore
    height: FloatProperty(  # type: ignore
        name="Height", description="How tall the person is, standing upright", min=0.0, soft_min=0.4, soft_max=2.8,
        default=1.7, unit="LENGTH", step=1, precision=2,
    )  # fmt: skip
    height_of: IntProperty(  # type: ignore
        name="Of Person", description="Whose height it is: the person's number in an earlier import of the clip", min=1,
        soft_max=8, default=1,
    )  # fmt: skip
    smoothness: FloatProperty(  # type: ignore
        name="Smoothness", description="Time after which a sudden error has lost half of its influence; 0 smooths "
        "nothing, more takes the edge off fast moves", min=0.0, soft_max=0.3, max=1.0, default=JobRequest.smoothness_s,
        unit="TIME_ABSOLUTE", step=1, precision=3,
    )  # fmt: skip
    foot_lock: EnumProperty(name="Foot Lock", description="What is done to feet", items=FOOT_LOCK_ITEMS)  # type: ignore
    floor: EnumProperty(name="Floor", description="What people stand on", items=FLOOR_ITEMS)  # type: ignore
    hold_still: FloatProperty(  # type: ignore
        name="Hold Still", description="A joint that moves less than this stays where it is, which quiets people who "
        "stand or sit; 0 keeps every movement", min=0.0, soft_max=0.2, default=JobRequest.hold_still_m, unit="LENGTH",
        step=0.1, precision=3,
    )  # fmt: skip
    hands: BoolProperty(  # type: ignore
        name="Hands", description="Look for fingers where hands are large enough in the picture; takes longer",
        default=JobRequest.hands,
    )  # fmt: skip

    def job_request(self) -> JobRequest:
        """The job that these settings describe.

        Raises:
            AnimePoseError: if no clip is chosen, it is not there, a path is relative to a .blend that is not saved, or
                a value is out of its range.
        """
        if not self.clip:
            raise AnimePoseError("No clip is chosen.", "Choose a video.", ExitCode.USAGE)
        clip = absolute_path(self.clip)
        if not os.path.isfile(clip) and self.preset != "dummy":
            raise AnimePoseError(f"There is no file {clip}.", "Choose a video.")
        # The worker runs in a folder of its own, which is removed: a relative path would lose the take.
        folder = absolute_path(self.take_folder) if self.take_folder else os.path.dirname(clip)
        return JobRequest(
            clip=clip,
            take=str(free_take_path(Path(folder), Path(clip).stem)),
            preset=self.preset,
            start_s=None if self.whole_clip else self.start_s,
            end_s=None if self.whole_clip else self.end_s,
            focal_mm=self.focal_mm if self.focal_source == "MM" else None,
            height_m=self._metres(self.height) if self.size_source == "HEIGHT" else None,
            height_of=self.height_of if self.size_source == "HEIGHT" else 1,
            camera=self.camera_motion,
            # Blender keeps properties in single precision: 0.05 would come out as 0.05000000074505806.
            smoothness_s=round(self.smoothness, 6),
            foot_lock=self.foot_lock,
            floor=self.floor,
            hold_still_m=self._metres(self.hold_still),
            hands=self.hands,
            max_people=self.max_people,
            device=self.device,
            **self.job_choices(),
        )

    def _metres(self, length: float) -> float:
        """A length in metres; what the user types is in the scene's units, whose scale may be another."""
        return round(length * self.id_data.unit_settings.scale_length, 4)


def absolute_path(path: str) -> str:
    """A path as the user sees it; `//` stands for the folder of the .blend.

    Raises:
        AnimePoseError: if the path starts with `//` and the .blend has no folder yet.
    """
    if path.startswith("//") and not bpy.data.filepath:
        raise AnimePoseError(
            f"{path} is relative to the .blend file, which is not saved yet.", "Save it, or choose the path again."
        )
    return os.path.abspath(bpy.path.abspath(path))


def free_take_path(folder: Path, stem: str) -> Path:
    """A path for a new take that overwrites nothing: earlier imports may refer to the earlier take.

    Raises:
        AnimePoseError: if the folder is full of takes of this clip.
    """
    for number in range(1, MAX_TAKES_PER_CLIP + 1):
        path = folder / (f"{stem}.take.npz" if number == 1 else f"{stem}.take.{number:03}.npz")
        if not path.exists():
            return path
    raise AnimePoseError(f"{folder} holds {MAX_TAKES_PER_CLIP} takes of {stem}.", "Remove some.")


CLASSES = (ANIMEPOSE_PG_settings,)


def register() -> None:
    """Give every scene its settings."""
    bpy.types.Scene.animepose = PointerProperty(type=ANIMEPOSE_PG_settings)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.animepose
