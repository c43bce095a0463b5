"""A Kalman filter for roots that are known well across the camera's ray and poorly along it.

All tracks are filtered at once: (T, 6) states of place and velocity, (T, 6, 6) covariances, in axes that do not move
with the camera.
"""

from __future__ import annotations

import numpy as np

SPEED_M_S = 1.5
"""Spread of the velocity of somebody of whom nothing else is known."""
VELOCITY_LIFE_S = 1.0
"""Time in which an unseen velocity dies down to 1/e: nobody keeps their course for long."""


def measurement_noise(root_m: np.ndarray, centre_m: np.ndarray, sigma_m: np.ndarray) -> np.ndarray:
    """Covariances of roots, wide along their rays.

    Args:
        root_m: (N, 3).
        centre_m: (N, 3) or (3,) where the camera stands.
        sigma_m: (N, 2) across and along.
    Returns:
        (N, 3, 3).
    """
    ray = root_m - centre_m
    ray = ray / np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-9)
    across, along = sigma_m[:, 0, None, None] ** 2, sigma_m[:, 1, None, None] ** 2
    return across * np.eye(3) + (along - across) * ray[:, :, None] * ray[:, None, :]


def begin(root_m: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States and covariances of people found at (N, 3) with (N, 3, 3) noise."""
    state = np.concatenate([root_m, np.zeros_like(root_m)], axis=-1)
    covariance = np.zeros((len(root_m), 6, 6))
    covariance[:, :3, :3] = noise
    covariance[:, 3:, 3:] = SPEED_M_S**2 * np.eye(3)
    return state, covariance


def predict(state: np.ndarray, covariance: np.ndarray, step_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """States (T, 6) and covariances (T, 6, 6) after (T,) seconds unseen, the same in one step or in many.

    Velocity follows an Ornstein-Uhlenbeck process: it dies down with the life tau and is stirred so that its spread
    stays `SPEED_M_S`. With k = exp(-t / tau) and q = 2 `SPEED_M_S`^2 / tau, the noise added over t is

        Qvv = q tau/2 (1 - k^2)    Qxv = q tau^2/2 (1 - k)^2    Qxx = q tau^2 (t - 2 tau (1 - k) + tau/2 (1 - k^2))
    """
    tau, q = VELOCITY_LIFE_S, 2 * SPEED_M_S**2 / VELOCITY_LIFE_S
    kept = np.exp(-step_s / tau)
    move = np.tile(np.eye(6), (len(state), 1, 1))
    move[:, :3, 3:] = (tau * (1 - kept))[:, None, None] * np.eye(3)
    move[:, 3:, 3:] *= kept[:, None, None]
    added = np.zeros((len(state), 6, 6))
    added[:, :3, :3] = (q * tau**2 * (step_s - 2 * tau * (1 - kept) + tau / 2 * (1 - kept**2)))[:, None, None] * np.eye(
        3
    )
    added[:, :3, 3:] = added[:, 3:, :3] = (q * tau**2 / 2 * (1 - kept) ** 2)[:, None, None] * np.eye(3)
    added[:, 3:, 3:] = (q * tau / 2 * (1 - kept**2))[:, None, None] * np.eye(3)
    return np.einsum("tij,tj->ti", move, state), move @ covariance @ np.swapaxes(move, -1, -2) + added


def update(
    state: np.ndarray, covariance: np.ndarray, root_m: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """States and covariances after roots (T, 3) with (T, 3, 3) noise have been seen."""
    gain = covariance[:, :, :3] @ np.linalg.inv(covariance[:, :3, :3] + noise)
    better = state + np.einsum("tij,tj->ti", gain, root_m - state[:, :3])
    return better, covariance - gain @ covariance[:, :3, :]


def mahalanobis(state: np.ndarray, covariance: np.ndarray, root_m: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """(T, N) standard deviations between each expected and each seen root."""
    difference = root_m[None] - state[:, None, :3]
    spread = covariance[:, None, :3, :3] + noise[None]
    return np.sqrt(np.einsum("tni,tnij,tnj->tn", difference, np.linalg.inv(spread), difference).clip(0))
