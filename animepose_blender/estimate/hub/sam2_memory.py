"""What SAM 2 remembers of one person of a clip: a session of `transformers`' Sam2VideoModel that stays small.

Ravi et al., SAM 2: Segment Anything in Images and Videos (2024). A person's mask in a frame is made from the frame's
features and from memories of earlier frames: those in which a box told where the person was, and the last few others.
The library's session can hold many people, but keeps all that it ever made and cannot let one go. So each person has
one of their own, what no later frame reads is dropped after every frame, and who is forgotten leaves nothing behind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import Sam2VideoInferenceSession

from .device import Device

PROMPTS_KEPT = 2
"""Frames with a box that are remembered; more make every later frame dearer."""
_PERSON = 0
"""The one person of a session."""
_BOX_CORNERS = (2, 3)
"""Labels of points that are a box's top left and bottom right corner."""


class PersonMemory:
    """One person, followed from frame to frame.

    Args:
        network: Sam2VideoModel.
        device: that it is on.
    """

    def __init__(self, network: Any, device: Device) -> None:
        self._network = network
        self._device = device
        self._session = Sam2VideoInferenceSession(
            inference_device=device.torch, inference_state_device=device.torch, video_storage_device=device.torch,
            dtype=device.dtype,
        )  # fmt: skip
        self._session.obj_id_to_idx(_PERSON)
        self.prompted_at = -1
        """The last frame with a box."""
        self.seen_at = -1
        """The last frame that was looked at."""

    def prompted(self, frame: int, features: dict[str, list[torch.Tensor]], box: np.ndarray) -> torch.Tensor:
        """The mask of who is in a box, which is remembered as told, not guessed.

        Args:
            frame: its number; larger than of all frames before.
            features: of the frame, as `Sam2VideoModel` keeps them.
            box: (4,) x0, y0, x1, y1 in pixels of the network's picture, the first pixel's centre at 0.
        Returns:
            (h, w) logits over the whole picture.
        """
        corners = torch.as_tensor(box.reshape(1, 1, 2, 2), dtype=torch.float32)
        labels = torch.tensor(_BOX_CORNERS, dtype=torch.int32).reshape(1, 1, 2)
        self._session.add_point_inputs(_PERSON, frame, {"point_coords": corners, "point_labels": labels})
        self._session.obj_with_new_inputs = [_PERSON]
        self.prompted_at = frame
        return self._run(frame, features)

    def propagated(self, frame: int, features: dict[str, list[torch.Tensor]]) -> torch.Tensor:
        """The mask by what is remembered; arguments and result as for `prompted`."""
        return self._run(frame, features)

    def tensors(self) -> list[torch.Tensor]:
        """All that is kept between frames."""
        kept = self._session.output_dict_per_obj[_PERSON]
        return [value for frames in kept.values() for output in frames.values() for value in output.values()]

    def _run(self, frame: int, features: dict[str, list[torch.Tensor]]) -> torch.Tensor:
        self._session.cache.cache_vision_features(frame, features)
        # The picture itself is not read where its features are known; that there is one tells of a stream.
        found = self._network(self._session, frame_idx=frame, frame=torch.empty(0))
        self.seen_at = frame
        self._forget()
        return found.pred_masks[0, 0]

    def _forget(self) -> None:
        """Keep what `_gather_memory_frame_outputs` and `_get_object_pointers` of Sam2VideoModel can still read."""
        session, config, frame = self._session, self._network.config, self.seen_at
        session.processed_frames = None
        session.cache.clear_all()
        session.point_inputs_per_obj[_PERSON].clear()
        session.frames_tracked_per_obj[_PERSON].clear()
        told = session.output_dict_per_obj[_PERSON]["cond_frame_outputs"]
        guessed = session.output_dict_per_obj[_PERSON]["non_cond_frame_outputs"]
        for old in sorted(told)[:-PROMPTS_KEPT]:
            del told[old]
        reach = max(config.max_object_pointers_in_encoder, config.num_maskmem)
        for old in [k for k in guessed if k <= frame + 1 - reach]:
            del guessed[old]
        for output in (told.get(frame, {}), guessed.get(frame, {})):
            for name in ("pred_masks", "high_res_masks"):
                output.pop(name, None)
        for k, output in guessed.items():
            if k <= frame + 1 - config.num_maskmem:
                output.pop("maskmem_features", None)
                output.pop("maskmem_pos_enc", None)
