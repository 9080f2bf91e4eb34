# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a CCD camera does to the light: dark current, hot pixels, pixel response, vignetting, bleeding, bias.

The fixed patterns of a camera (which pixels are hot, how each responds, the columns of its bias) depend on
`Camera.seed` and the frame's shape alone, so that every frame of a night has the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ccdproc_crplugin.errors import check_ranges, wrong_value
from ccdproc_crplugin.simulate.particles import THIN, Chip

# Least and most of each figure.
NUMBERS = {
    "gain": (1e-3, 1e3),
    "readnoise": (0, 1e5),
    "full_well": (1, 1e9),
    "bias_level": (0, 1e6),
    "bias_structure": (0, 1e5),
    "dark_current": (0, 1e6),
    "hot_fraction": (0, 1),
    "hot_current": (0, 1e6),
    "pixel_response": (0, 1),
    "vignetting": (0, 0.99),
}
WHOLE_NUMBERS = {"bits": (1, 32), "seed": (0, 2**64)}


@dataclass(frozen=True)
class Camera:
    """A CCD camera."""

    gain: float = 1.5  # electron/adu
    readnoise: float = 6.0  # electron
    full_well: float = 90_000.0  # electron, above which a pixel spills into its column
    bias_level: float = 1000.0  # adu
    bias_structure: float = 1.0  # adu: deviation of the column pattern, height of the slope along the rows
    dark_current: float = 0.02  # electron/s
    hot_fraction: float = 3e-4  # share of the pixels
    hot_current: float = 2.0  # electron/s, the mean of an exponential distribution
    pixel_response: float = 0.01  # standard deviation of the sensitivity, relative
    vignetting: float = 0.1  # share of the light that is lost in the corners
    bits: int = 16
    chip: Chip = THIN
    seed: int = 0  # of the fixed patterns

    def __post_init__(self) -> None:
        check_ranges(vars(self), NUMBERS, WHOLE_NUMBERS)
        if not isinstance(self.chip, Chip):
            raise wrong_value("chip", self.chip, "a Chip, such as THIN or THICK")
        if self.bias_level >= 2**self.bits - 1:
            raise wrong_value("bias_level", self.bias_level, f"less than {self.bits} bits hold, {2**self.bits - 1}")

    @property
    def saturation(self) -> float:
        """Level at which a pixel saturates above the bias, in electrons: full well or converter, the lower."""
        return min(self.full_well, (2**self.bits - 1 - self.bias_level) * self.gain)

    def bias(self, shape: Sequence[int]) -> np.ndarray:
        """Bias of every pixel without noise, adu, read-only."""
        return _bias(self, tuple(shape))

    def dark(self, shape: Sequence[int]) -> np.ndarray:
        """Dark current of every pixel, electron/s, read-only."""
        return _dark(self, tuple(shape))

    def flat(self, shape: Sequence[int]) -> np.ndarray:
        """Sensitivity of every pixel relative to the centre of the field, read-only."""
        return _flat(self, tuple(shape))

    def spill(self, charge: np.ndarray) -> np.ndarray:
        """Let pixels above the full well spill along their columns, in place (electron)."""
        for column in np.unique(np.nonzero(charge > self.full_well)[1]):
            charge[:, column] = _spilt(charge[:, column], self.full_well)
        return charge

    def digitised(self, electrons: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        """The converter's integer output (adu, with bias) for a frame in electron that has its noise."""
        counts = np.rint(electrons / self.gain + self.bias(shape))
        return np.clip(counts, 0, 2**self.bits - 1).astype(np.uint16 if self.bits <= 16 else np.uint32)


def _pattern_rng(camera: Camera, pattern: int) -> np.random.Generator:
    """Random numbers of one fixed pattern, independent of those of the others."""
    return np.random.default_rng([camera.seed, pattern])


@lru_cache(maxsize=4)
def _bias(camera: Camera, shape: tuple[int, ...]) -> np.ndarray:
    columns = _pattern_rng(camera, 0).standard_normal(shape[1])
    slope = np.linspace(-0.5, 0.5, shape[0])[:, np.newaxis]
    return _read_only(camera.bias_level + camera.bias_structure * (columns + slope))


@lru_cache(maxsize=4)
def _dark(camera: Camera, shape: tuple[int, ...]) -> np.ndarray:
    rng = _pattern_rng(camera, 1)
    dark = np.full(shape, camera.dark_current, dtype=float)
    hot = rng.random(shape) < camera.hot_fraction
    dark[hot] += rng.exponential(camera.hot_current, hot.sum())
    return _read_only(dark)


@lru_cache(maxsize=4)
def _flat(camera: Camera, shape: tuple[int, ...]) -> np.ndarray:
    response = 1 + camera.pixel_response * _pattern_rng(camera, 2).standard_normal(shape)
    row, column = (np.linspace(-1, 1, size) for size in shape)
    radius = (row[:, np.newaxis] ** 2 + column**2) / 2
    return _read_only(np.clip(response, 0.1, None) * (1 - camera.vignetting * radius))


def _read_only(pattern: np.ndarray) -> np.ndarray:
    pattern.flags.writeable = False
    return pattern


def _spilt(column: np.ndarray, full_well: float) -> np.ndarray:
    """One column after its excess has run to the nearest pixels with room, half of it each way."""
    excess = np.clip(column - full_well, 0, None)
    column = np.minimum(column, full_well)
    for source in np.flatnonzero(excess):
        half = excess[source] / 2
        upward = np.arange(source + 1, column.size)
        downward = np.arange(source - 1, -1, -1)
        for way in (upward, downward):
            room = full_well - column[way]
            filled = np.clip(half - (np.cumsum(room) - room), 0, room)
            column[way] += filled
    return column
