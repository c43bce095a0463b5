"""Operators on the weight store. Each is something the user starts; long ones go on in the background."""

# No `from __future__ import annotations` here: Blender reads the properties from the annotations themselves.
from typing import Any

import bpy
from bpy.props import StringProperty

from ...errors import AnimePoseError
from ...presets import PARTS
from ...store.catalogue import Catalogue, ModelEntry
from ...store.fetch import fetch
from ...store.installed import Presence
from ...store.listing import size_text
from ...store.remove import remove
from ...store.verify import verify
from .. import addon_state, jobs
from ..environment_operators import OFFLINE, reported
from . import job, known
from .choices import PARTS as CHOSEN_PARTS
from .gaps import counted
from .list import active_row
from .store_preferences import access

BUSY = "Networks are being worked on already"
NONE_CHOSEN = "Choose a network"
QUALITY = "quality"


def refused(cls: Any, why: str) -> bool:
    """Set the reason why a button is off; whether it is on."""
    cls.poll_message_set(why)
    return not why


def _fetch_refusal() -> str:
    if job.running():
        return BUSY
    return "" if addon_state.online_allowed() else OFFLINE


class _OnOne(bpy.types.Operator):
    """An operator on one network: the one that is named, or else the one that is chosen in the list."""

    model: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore

    def id_of(self, context: bpy.types.Context) -> str:
        """Id of the network.

        Raises:
            AnimePoseError: if none is chosen.
        """
        row = active_row(context)
        if not self.model and row is None:
            raise AnimePoseError("No network is chosen.", "Choose one in the list.")
        return self.model or (row.id if row is not None else "")


class ANIMEPOSE_OT_fetch_models(bpy.types.Operator):
    """Fetch networks into the models folder; what is there already is not fetched again"""

    bl_idname = "animepose.fetch_models"
    bl_label = "Fetch"
    bl_options = {"INTERNAL"}

    models: StringProperty(options={"HIDDEN", "SKIP_SAVE"})  # type: ignore
    """Ids, separated by commas; empty = the one that is chosen in the list."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return refused(cls, _fetch_refusal())

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        names = known.titles(properties.models) if properties.models else ""
        return f"Fetch {names or 'the chosen network'} into the models folder"

    def execute(self, context: bpy.types.Context) -> set[str]:
        row = active_row(context)
        ids = [id_ for id_ in self.models.split(",") if id_] or ([row.id] if row is not None else [])
        return reported(self, lambda: start_fetch(ids))


class ANIMEPOSE_OT_verify_model(_OnOne):
    """Compare every byte of the network with what it should be"""

    bl_idname = "animepose.verify_model"
    bl_label = "Verify"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        row = active_row(context)
        absent = row is not None and row.presence in (Presence.ABSENT, Presence.UNFINISHED)
        return refused(cls, BUSY if job.running() else "The network is not here" if absent else "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return reported(self, lambda: start_verify(self.id_of(context)))


class ANIMEPOSE_OT_remove_model(_OnOne):
    """Remove the network from the models folder, or what an interrupted fetch has left of it"""

    bl_idname = "animepose.remove_model"
    bl_label = "Remove"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        row = active_row(context)
        refusal = ""
        if job.running():
            refusal = BUSY
        elif jobs.job.active:
            refusal = "A video is being imported"
        elif row is not None and row.presence is Presence.SHIPPED:
            refusal = "It comes with AnimePose"
        elif row is not None and row.presence is Presence.ABSENT:
            refusal = "The network is not here"
        return refused(cls, refusal)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        def work() -> None:
            id_ = self.id_of(context)
            title = known.titles(id_)
            freed = remove(id_)
            job.tell(f"Removed {title}: {size_text(freed)} are free again.")

        result = reported(self, work)
        known.refresh()
        return result


class ANIMEPOSE_OT_refresh_models(bpy.types.Operator):
    """Look at the models folder again, as after a fetch by the command line"""

    bl_idname = "animepose.refresh_models"
    bl_label = "Refresh"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        known.refresh()
        return {"FINISHED"}


class ANIMEPOSE_OT_cancel_models(bpy.types.Operator):
    """Stop it; a fetch goes on from there next time"""

    bl_idname = "animepose.cancel_models"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return job.running() and not job.cancelling()

    def execute(self, context: bpy.types.Context) -> set[str]:
        job.cancel()
        jobs.tag_redraw()
        return {"FINISHED"}


class ANIMEPOSE_OT_dismiss_models(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "animepose.dismiss_models"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        job.dismiss()
        jobs.tag_redraw()
        return {"FINISHED"}


class ANIMEPOSE_OT_use_offline(bpy.types.Operator):
    """Use the preset Offline with all its own parts: it runs on any CPU and fetches nothing"""

    bl_idname = "animepose.use_offline"
    bl_label = "Use Offline"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return refused(cls, "The scene is linked from another file" if context.scene.library is not None else "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.animepose
        settings.preset = "offline"
        for part in CHOSEN_PARTS:
            setattr(settings, part, "")
        return {"FINISHED"}


def start_fetch(ids: list[str]) -> None:
    """Fetch networks in the background.

    Raises:
        AnimePoseError: if one is not known, or something goes on already.
    """
    catalogue, by = known.catalogue(), access()
    entries = [_entry(id_, catalogue) for id_ in ids]
    if not entries:
        raise AnimePoseError("No network is chosen.", "Choose one in the list.")

    def work_on(entry: ModelEntry, last: bool) -> job.Work:
        def work(on_progress: Any, cancelled: Any) -> str | None:
            fetch(entry, on_progress, cancelled, access=by)
            what = entry.record.title if len(entries) == 1 else counted(len(entries))
            return f"Fetched {what}." if last else None

        return work

    job.start([(f"Fetching {one.record.title}", work_on(one, one is entries[-1])) for one in entries])


def start_verify(id_: str) -> None:
    """Verify a network in the background.

    Raises:
        AnimePoseError: if something goes on already.
    """
    catalogue, title = known.catalogue(), known.titles(id_)

    def work(on_progress: Any, cancelled: Any) -> str:
        verdict = verify(id_, catalogue, on_progress, cancelled)
        if not verdict.ok:
            raise AnimePoseError(
                f"{title} is not as it should be: {' '.join(verdict.problems)}",
                "Remove it, then fetch or import it again.",
            )
        return " ".join((f"{title} is as it should be.", *verdict.notes))

    job.start([(f"Verifying {title}", work)])


def lacking_for(preset: str) -> list[str]:
    """Ids of the networks of a preset that a fetch would bring."""
    networks = known.networks()
    return [id_ for id_ in PARTS[preset].networks() if id_ in networks and known.is_fetchable(networks[id_])]


def _entry(id_: str, catalogue: Catalogue) -> ModelEntry:
    if id_ not in catalogue:
        raise AnimePoseError(f"Nobody knows where to fetch {known.titles(id_)}.", "Import it from a folder or a zip.")
    return catalogue[id_]


CLASSES = (
    ANIMEPOSE_OT_fetch_models,
    ANIMEPOSE_OT_verify_model,
    ANIMEPOSE_OT_remove_model,
    ANIMEPOSE_OT_refresh_models,
    ANIMEPOSE_OT_cancel_models,
    ANIMEPOSE_OT_dismiss_models,
    ANIMEPOSE_OT_use_offline,
)
