"""People's boxes and masks by DetectNet."""

from __future__ import annotations

import numpy as np
import torch

from models.backbones import normalised
from models.detect_net import Outputs, people

from .loading import Loaded
from .own_crops import fitted_size
from .own_network import OwnNetwork
from .protocols import PeopleFound
from .resize import resized

LONGER_PX = 640
"""Longer side that pictures are brought to. At 384, 512, 640 and 800, of all people in those frames 50, 70, 92 and 92 %
score above 0.4."""
LEAST_SCORE = 0.25
"""Of the network, below which nobody is reported; low, since tracking has a second pass for weak finds, but every find
costs a look at a pose."""
SCORE_POWER = 0.56
"""The network's scores are overlaps that boxes are expected to have, not how likely somebody is there. In 29
frames of three real clips whose people were boxed by hand, 48 of 52 people score above 0.4, and one false find: this
makes of 0.4 the 0.6 that tracking begins a person with."""
OVERLAP = 0.6
"""Of two boxes with a greater intersection over union the worse is dropped."""
MOST_PEOPLE = 50
"""Finds kept of each picture, the best ones."""
AT_ONCE = {"cpu": 2, "": 16}


class OwnDetector(OwnNetwork):
    """DetectNet; implements `BatchDetector`.

    Args:
        loaded: a `detect_net`. Its record's option `longer_px` says how large pictures are made.
    """

    gives_masks = True

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded, AT_ONCE)
        self._longer_px = int(loaded.record.options.get("longer_px", LONGER_PX))

    def find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        """See `BatchDetector`."""
        found = self.batches.run(len(pictures), lambda part: self._find(pictures[part]))
        return [one for some in found for one in some]

    def _find(self, pictures: torch.Tensor) -> list[PeopleFound]:
        height, width = pictures.shape[1:3]
        rows, columns = fitted_size(height, width, self._longer_px)
        inputs = normalised(resized(pictures, rows, columns).float().div_(255))

        def look(dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
            said: Outputs = self.network(inputs.to(dtype))
            return said.score, said.box, said.coefficients, said.prototypes, said.places

        said = Outputs(*self.answer(look))
        scale = np.array([width / columns, height / rows] * 2)
        return [
            PeopleFound(
                one.box_px.double().cpu().numpy() * scale,
                one.score.double().cpu().numpy() ** SCORE_POWER,
                one.masks.cpu().numpy(),
            )
            for one in people(said, rows, columns, LEAST_SCORE, OVERLAP, most=MOST_PEOPLE)
        ]
