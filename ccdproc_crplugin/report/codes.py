# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Pictures of one byte a pixel, for which a browser can still choose the stretch."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Compression level of a PNG: a third of the time of the usual 6, for a twelfth more bytes.
COMPRESSION = 4

#: Codes are linear up to about so many times the noise, and logarithmic beyond.
LINEAR_PART = 12.0

#: Codes of finite values; 0 stands for a value that is not finite.
FIRST, LAST = 1, 255


@dataclass(frozen=True, eq=False)
class Codes:
    """The value of each byte: fine steps near the sky, coarse steps for bright pixels."""

    sky: float
    scale: float  # distance from the sky up to which the steps are about even
    lowest: float  # value of the first code
    highest: float  # value of the last code

    @classmethod
    def of(cls, *frames: np.ndarray) -> Codes:
        """Codes for all values of some frames, with the sky and the noise of the first."""
        from astropy.stats import mad_std

        every = frames[0].size // 200_000 + 1
        sample = frames[0].ravel()[::every].astype(float)
        sample = sample[np.isfinite(sample)]
        if not sample.size:
            return cls(0.0, 1.0, 0.0, 1.0)
        noise = float(mad_std(sample)) or float(sample.std()) or 1.0
        lowest = min(_extreme(frame, np.min) for frame in frames)
        highest = max(_extreme(frame, np.max) for frame in frames)
        return cls(float(np.median(sample)), LINEAR_PART * noise, lowest, max(highest, lowest + noise))

    def encode(self, values: np.ndarray) -> np.ndarray:
        """The codes of some values, uint8."""
        first, last = self._arc(self.lowest), self._arc(self.highest)
        with np.errstate(invalid="ignore"):
            steps = (self._arc(values.astype(np.float32)) - first) * ((LAST - FIRST) / (last - first)) + FIRST
            codes = np.clip(np.rint(steps), FIRST, LAST)
        return np.where(np.isfinite(values), codes, 0).astype(np.uint8)

    def decode(self) -> np.ndarray:
        """The value of each code, float (256,)."""
        arcs = np.linspace(self._arc(self.lowest), self._arc(self.highest), LAST - FIRST + 1)
        return np.append(0.0, self.sky + self.scale * np.sinh(arcs))

    def _arc(self, values: np.ndarray | float) -> np.ndarray:
        return np.arcsinh((values - self.sky) / self.scale)


def _extreme(frame: np.ndarray, function: Callable[[np.ndarray], float]) -> float:
    finite = frame[np.isfinite(frame)]
    return float(function(finite)) if finite.size else 0.0


def binned(frame: np.ndarray, factor: int) -> np.ndarray:
    """Means of the finite pixels of each square of ``factor`` by ``factor`` pixels; NaN where none is finite."""
    if factor == 1:
        return frame
    ny, nx = frame.shape
    finite = np.isfinite(frame)
    total = np.where(finite, frame, 0).astype(float)
    for axis, size in ((0, ny), (1, nx)):
        total = np.add.reduceat(total, range(0, size, factor), axis=axis)
        finite = np.add.reduceat(finite, range(0, size, factor), axis=axis, dtype=int)
    with np.errstate(invalid="ignore"):
        return total / np.where(finite, finite, np.nan)


def picture(codes: np.ndarray) -> str:
    """The data URL of a PNG; the first row of ``codes``, uint8 (ny, nx) or (ny, nx, channels), is at the top."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(codes)).save(stream, format="PNG", compress_level=COMPRESSION)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
