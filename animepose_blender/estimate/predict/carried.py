"""A person carried on, before the floor is looked at: what the predictors give, and can be mixed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .body import above_floor, assemble, unit
from .past import Past
from .protocol import Prediction


@dataclass(frozen=True, eq=False)
class Carried:
    """One person at n times."""

    root_m: np.ndarray
    """(n, 3)."""
    directions: np.ndarray
    """(n, J, 3) of the bones, world axes."""
    sigma_m: np.ndarray
    """(n, 2) across the ray and along it."""

    def mixed(self, other: Carried, share: float) -> Carried:
        """With a share of another one."""
        return Carried(
            self.root_m + share * (other.root_m - self.root_m),
            unit(self.directions + share * (other.directions - self.directions), self.directions),
            self.sigma_m + share * (other.sigma_m - self.sigma_m),
        )

    def above_floor(self, past: Past, since_s: np.ndarray) -> Prediction:
        """The prediction; nobody goes deeper into the floor than they were, and who was comes out of it."""
        relative_m = assemble(np.zeros_like(self.root_m), self.directions, past.lengths_m)
        last_m = assemble(past.root_m[-1], past.directions[-1], past.lengths_m)
        root_m = above_floor(self.root_m, relative_m, since_s, max(0.0, -float(last_m[:, 2].min())))
        return Prediction(root_m[:, None] + relative_m, self.sigma_m)
