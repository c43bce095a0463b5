"""Import of networks that somebody carries in, as a folder, a zip or a file of weights."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from ...errors import AnimePoseError
from ...skeleton import KEYPOINT_MAPS
from ...store.bring_in import Described, bring_in
from ..drawing import draw_wrapped
from ..environment_operators import reported
from . import job, known
from .gaps import counted
from .list import active_row
from .operators import BUSY, refused
from .words import ROLE_WORDS

WHAT_ITEMS = (
    ("AUTO", "Found Out", "By its record, as exports have one, or by the hash of its weights"),
    ("LISTED", "Chosen in the List", "The network that is chosen in the list, as its registry has it"),
    ("OWN", "Your Own", "A network that you have trained, or have from elsewhere"),
)
ROLE_ITEMS = tuple((role, word, "") for role, word in ROLE_WORDS.items())
SKELETON_ITEMS = tuple((name, name, "") for name in KEYPOINT_MAPS)


class ANIMEPOSE_OT_import_model(bpy.types.Operator, ImportHelper):
    """Take over networks from a folder, a zip or a file of weights (safetensors), without using the network"""

    bl_idname = "animepose.import_model"
    bl_label = "Import Networks"
    bl_options = {"INTERNAL"}

    filename_ext = ".zip"
    filter_glob: StringProperty(default="*.zip;*.safetensors", options={"HIDDEN"})  # type: ignore
    what: EnumProperty(name="What It Is", description="How AnimePose knows what it is", items=WHAT_ITEMS)  # type: ignore
    own_id: StringProperty(  # type: ignore
        name="Name", description="Lower-case letters, digits, dots and dashes, such as my-detector-2"
    )
    role: EnumProperty(name="Role", description="What it is for", items=ROLE_ITEMS)  # type: ignore
    skeleton: EnumProperty(name="Points", description="Which points it finds", items=SKELETON_ITEMS)  # type: ignore
    licence: StringProperty(name="Licence", description="Such as Apache-2.0 or CC-BY-NC-4.0")  # type: ignore
    commercial: BoolProperty(  # type: ignore
        name="Commercial Use", description="Whether the licence of its weights, and of what they were made of, allow "
        "commercial use", default=False,
    )  # fmt: skip

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return refused(cls, BUSY if job.running() else "")

    def check(self, context: bpy.types.Context) -> bool:
        return False  # no suffix is added: a folder is chosen by leaving the name of the file empty

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "what")
        row = active_row(context)
        if self.what == "LISTED":
            draw_wrapped(layout, row.title if row is not None else "None is chosen", context, "BLANK1")
        elif self.what == "OWN":
            layout.prop(self, "own_id")
            layout.prop(self, "role")
            if self.role == "pose":
                layout.prop(self, "skeleton")
            layout.prop(self, "licence")
            layout.prop(self, "commercial")
        text = "Choose a zip or a file of weights; without one, the open folder is imported"
        draw_wrapped(layout, text, context, "INFO")

    def execute(self, context: bpy.types.Context) -> set[str]:
        row, described = active_row(context), Described()
        if self.what == "LISTED" and row is not None:
            described = Described(id=row.id)
        elif self.what == "OWN":
            skeleton = self.skeleton if self.role == "pose" else ""
            described = Described(self.own_id, self.role, self.licence, self.commercial, skeleton=skeleton)
        path = Path(bpy.path.abspath(self.filepath))
        return reported(self, lambda: start_import(path, described))


def start_import(path: Path, described: Described) -> None:
    """Import networks from a folder or a zip in the background.

    Raises:
        AnimePoseError: if something goes on already.
    """
    catalogue = known.catalogue()

    def work(on_progress: Any, cancelled: Any) -> str:
        try:
            records = bring_in(path, catalogue, described, on_progress, cancelled)
        except AnimePoseError as error:
            if "--as" not in error.remedy:
                raise
            raise AnimePoseError(error.message, "Import it again, and choose under What It Is.") from error
        said = f"Imported {records[0].title if len(records) == 1 else counted(len(records))}."
        others = ", ".join(record.title for record in records if not record.commercial)
        return f"{said} Not for commercial use: {others}." if others else said

    job.start([(f"Importing {path.name}", work)])


CLASSES = (ANIMEPOSE_OT_import_model,)
