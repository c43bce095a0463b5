"""The constants of the damped constant velocity, fitted on the training recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from animepose_blender.estimate.predict.constant_velocity import ConstantVelocity, Settings
from animepose_blender.estimate.predict.gait import find_walk
from animepose_blender.estimate.predict.past import Past, gather

from .cases import RATE_HZ, Case, of_figures
from .motions import load_figures, split_of

SEED = 7
CASES = 500
HORIZONS_S = (0.25, 0.5, 1.0, 1.5, 2.0)
_NAMES = ("bearing_memory_s", "depth_memory_s", "life_s", "walk_life_s", "lift_life_s", "trust_across", "trust_along")
LEAST = {"bearing_memory_s": 0.06, "depth_memory_s": 0.15, "lift_life_s": 0.05}
"""The noise of these cases has hardly any power above 2 Hz; estimates shiver, so memories may not become shorter."""


def fit_constant_velocity(mocap: Path) -> Settings:
    """Least mean root error, where early moments count as much as late ones; then the uncertainty that fits it."""
    rng = np.random.default_rng(SEED)
    figures = [f for f in load_figures(mocap) if split_of(f.name) == "train"]
    cases = of_figures(figures, rng)
    cases = [cases[i] for i in rng.permutation(len(cases))[:CASES]]
    pasts = [gather(case.before()) for case in cases]

    def errors_m(settings: Settings) -> np.ndarray:
        predictor = ConstantVelocity(settings)
        return np.stack([_errors(predictor, past, case) for past, case in zip(pasts, cases, strict=True)])

    def settings_of(log_values: np.ndarray) -> Settings:
        values = dict(zip(_NAMES, np.exp(log_values).tolist(), strict=True))
        return replace(Settings(), **{n: round(max(v, LEAST.get(n, 0.0)), 3) for n, v in values.items()})

    def cost(log_values: np.ndarray) -> float:
        distance = np.linalg.norm(errors_m(settings_of(log_values)), axis=-1)
        return float(np.nanmean(distance / (0.3 + np.array(HORIZONS_S))))

    start = np.log([getattr(Settings(), name) for name in _NAMES])
    found = minimize(cost, start, method="Nelder-Mead", options={"maxfev": 250, "xatol": 0.01, "fatol": 1e-4})
    print(f"{cost(start):.4f} -> {found.fun:.4f}")
    best = settings_of(found.x)
    left = errors_m(best)
    rays = np.stack([past.ray for past in pasts])[:, None]
    along = (left * rays).sum(axis=-1)
    across = np.sqrt(np.maximum((left**2).sum(axis=-1) - along**2, 0.0) / 2)
    start_m, growth = zip(*(_line(np.abs(part)) for part in (across, along)), strict=True)
    return replace(best, start_sigma_m=start_m, growth_m_s=growth)


def _errors(predictor: ConstantVelocity, past: Past, case: Case) -> np.ndarray:
    """(5, 3) metres; NaN beyond the recording's end."""
    velocity_m_s = predictor.velocity_m_s(past)
    walk = find_walk(past, velocity_m_s)
    found_m = predictor.path_m(past, np.array(HORIZONS_S), velocity_m_s, walk)
    at = np.searchsorted(case.time_s, -1e-6) + np.round(np.array(HORIZONS_S) * RATE_HZ).astype(int)
    inside = at < len(case.time_s)
    truth_m = case.joints_m[np.minimum(at, len(case.time_s) - 1), 0]
    return np.where(inside[:, None], found_m - truth_m, np.nan)


def _line(error_m: np.ndarray) -> tuple[float, float]:
    """Start and growth of sigma = hypot(start, growth t) of most likelihood, by a search on a grid."""
    start, growth = np.meshgrid(np.geomspace(0.01, 0.3, 60), np.geomspace(0.05, 2.0, 80), indexing="ij")
    variance = start[..., None] ** 2 + (growth[..., None] * np.array(HORIZONS_S)) ** 2
    square = np.nanmean(error_m**2, axis=0)
    cost = (np.log(variance) + square / variance).sum(axis=-1)
    best = np.unravel_index(np.argmin(cost), cost.shape)
    return round(float(start[best]), 3), round(float(growth[best]), 3)
