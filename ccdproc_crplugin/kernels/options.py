# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The options of L.A.Cosmic, checked once for all engines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_number, check_whole
from ccdproc_crplugin.kernels.psf import gaussian_psf

#: Default of ``sigclip`` for this package's detector, and the default of astroscrappy for what follows astroscrappy.
SIGCLIP = 5.0
ASTROSCRAPPY_SIGCLIP = 4.5

EDGES = ("search", "skip")
REPAIRS = ("meanmask", "medmask", "median", "idw")
#: Default of ``objlim`` for each way to make the fine structure. The matched
#: filter leaves a star's profile more contrast than medians do, so the limit
#: that suits medians would let no pixel of a frame with stars pass.
OBJLIM = {"median": 5.0, "convolve": 2.0}

_WIDEST_KERNEL = 65  # pixels


def _checked_psf_kernel(psf_kernel: Any) -> np.ndarray:
    kernel = np.ascontiguousarray(psf_kernel, dtype=np.float32)
    if kernel.ndim != 2 or kernel.size == 0 or max(kernel.shape) > _WIDEST_KERNEL:
        raise CosmicRayError(
            f"Found a psf_kernel of shape {kernel.shape}; expected two axes of 1 to {_WIDEST_KERNEL} pixels.",
            "Cut the profile where it fades, at about three times its FWHM.",
        )
    if not np.isfinite(kernel).all():
        raise CosmicRayError(
            "Found weights in psf_kernel that are not finite; expected finite weights.", "Replace them by zero."
        )
    return kernel


@dataclass(frozen=True)
class Options:
    """The parameters of a run of L.A.Cosmic, checked; `lacosmic` explains them."""

    readnoise: float
    sigclip: float = ASTROSCRAPPY_SIGCLIP
    sigfrac: float = 0.3
    objlim: float | None = None
    niter: int = 4
    sepmed: bool = False
    edges: str = "search"
    repair: str | None = "meanmask"
    fsmode: str = "median"
    psf_kernel: np.ndarray | None = field(default=None, repr=False, compare=False)
    scores_above: float = math.inf

    def __post_init__(self) -> None:
        check_choice("edges", self.edges, EDGES)
        check_choice("repair", self.repair, (*REPAIRS, None, "none"))
        check_choice("fsmode", self.fsmode, OBJLIM)
        check_whole("niter", self.niter, 0)
        objlim = OBJLIM[self.fsmode] if self.objlim is None else self.objlim
        check_number("objlim", objlim, finite=False)
        for name in ("readnoise", "sigclip", "sigfrac", "scores_above"):
            check_number(name, getattr(self, name), 0, finite=False)
        psf_kernel = None
        if self.fsmode == "convolve":
            psf_kernel = gaussian_psf(2.5) if self.psf_kernel is None else self.psf_kernel
            psf_kernel = _checked_psf_kernel(psf_kernel)
        for name, value in (
            ("objlim", float(objlim)),
            ("niter", int(self.niter)),
            ("repair", self.repair or "none"),
            ("scores_above", float(self.scores_above)),
            ("psf_kernel", psf_kernel),
        ):
            object.__setattr__(self, name, value)

    @property
    def sigclip_low(self) -> float:
        """Least S' of a cosmic ray's neighbour, rounded to single precision."""
        return float(np.float32(self.sigfrac) * np.float32(self.sigclip))

    @property
    def readnoise2(self) -> float:
        """Square of the read noise, electrons squared, in single precision."""
        return float(np.float32(self.readnoise) * np.float32(self.readnoise))

    @property
    def edge_width(self) -> int:
        """Number of rows and columns at each edge that are not searched."""
        if self.edges == "search":
            return 0
        return 3 if self.sepmed else 2
