"""The scene's settings, and what becomes of them: a job request and import options."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
import os
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty

from ..errors import AnimePoseError, ExitCode
from ..protocol import JobRequest
from .import_take import ImportOptions

PRESET_ITEMS = (
    ("offline", "Offline", "MediaPipe Pose: runs on any CPU and fetches nothing"),
    ("dummy", "Trial Run", "A made-up walking person in a second, to see what an import brings; the clip is not read"),
)
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
OPTION_NAMES = tuple(ImportOptions.__dataclass_fields__)
MAX_TAKES_PER_CLIP = 1000

# From 4.5 on a path property says whether it takes paths relative to the .blend.
_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


def path_property(**keywords: Any) -> Any:
    """A StringProperty for a path that may be relative to the .blend."""
    return StringProperty(options={"ANIMATABLE"} | _RELATIVE, **keywords)


class ImportOptionProperties:
    """One property for each field of `ImportOptions`; the settings and the import operator share them."""

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
    show_boxes: BoolProperty(name="3D Boxes", description="Add each person's box in space", default=False)  # type: ignore

    def import_options(self) -> dict[str, bool]:
        """Fields of `ImportOptions`."""
        return {name: getattr(self, name) for name in OPTION_NAMES}


class ANIMEPOSE_PG_settings(ImportOptionProperties, bpy.types.PropertyGroup):
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

    def job_request(self) -> JobRequest:
        """The job that these settings describe.

        Raises:
            AnimePoseError: if no clip is chosen, it is not there, a path is relative to a .blend that is not saved, or
                a value is out of its range.
        """
        if not self.clip:
            raise AnimePoseError("No clip is chosen.", "Choose a video.", ExitCode.USAGE)
        clip = _absolute(self.clip)
        if not os.path.isfile(clip) and self.preset != "dummy":
            raise AnimePoseError(f"There is no file {clip}.", "Choose a video.")
        # The worker runs in a folder of its own, which is removed: a relative path would lose the take.
        folder = _absolute(self.take_folder) if self.take_folder else os.path.dirname(clip)
        return JobRequest(
            clip=clip,
            take=str(free_take_path(Path(folder), Path(clip).stem)),
            preset=self.preset,
            start_s=None if self.whole_clip else self.start_s,
            end_s=None if self.whole_clip else self.end_s,
            focal_mm=self.focal_mm if self.focal_source == "MM" else None,
            max_people=self.max_people,
            device=self.device,
        )


def _absolute(path: str) -> str:
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
