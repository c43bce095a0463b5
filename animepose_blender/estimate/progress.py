"""From a stage and its share to the share of the whole run, and the time that is left."""

from __future__ import annotations

from ..protocol import STAGES, Progress

STAGE_WEIGHTS: dict[str, dict[str, float]] = {
    # shares of the running time, measured on real clips of 180 and 230 frames; only their ratios count
    "offline": dict(zip(STAGES, (2.0, 92.0, 3.0, 0.5, 0.5, 0.5, 1.0, 0.5), strict=True)),
    "quality": dict(zip(STAGES, (4.0, 88.0, 3.0, 1.0, 1.0, 1.0, 1.5, 0.5), strict=True)),
    "animepose": dict(zip(STAGES, (2.0, 92.0, 2.0, 0.5, 0.5, 1.0, 1.5, 0.5), strict=True)),
    "dummy": dict.fromkeys(STAGES, 1.0),
    "solve": dict.fromkeys(STAGES, 0.0) | {"open": 5.0, "solve": 85.0, "write": 10.0},
}

MIN_FRACTION_FOR_ESTIMATE = 0.03
"""Below this share of the run, a time left would be a guess."""
MIN_SECONDS_FOR_ESTIMATE = 1.0


class ProgressEstimate:
    """Overall share and time left of one run.

    Args:
        preset: a name from `protocol.PRESETS`, or solve; an unknown one weighs all stages alike.
    """

    def __init__(self, preset: str) -> None:
        weights = STAGE_WEIGHTS.get(preset, STAGE_WEIGHTS["dummy"])
        total = sum(weights[stage] for stage in STAGES)
        self._share = {stage: weights[stage] / total for stage in STAGES}
        self._before = {stage: sum(self._share[s] for s in STAGES[:index]) for index, stage in enumerate(STAGES)}
        self._fraction = 0.0

    def update(self, stage: str, stage_fraction: float, elapsed_s: float) -> Progress:
        """The progress message for this moment; its overall fraction never goes back.

        Raises:
            ValueError: if the stage is not one of `protocol.STAGES`.
        """
        if stage not in self._share:
            raise ValueError(f"unknown stage {stage!r}, expected one of {STAGES}")
        stage_fraction = min(max(float(stage_fraction), 0.0), 1.0)
        fraction = self._before[stage] + self._share[stage] * stage_fraction
        self._fraction = min(max(self._fraction, fraction), 1.0)
        seconds_left = None
        if self._fraction >= MIN_FRACTION_FOR_ESTIMATE and elapsed_s >= MIN_SECONDS_FOR_ESTIMATE:
            seconds_left = elapsed_s * (1.0 - self._fraction) / self._fraction
        return Progress(stage, self._fraction, stage_fraction, seconds_left)
