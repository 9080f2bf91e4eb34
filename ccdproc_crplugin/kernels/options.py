# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The options of L.A.Cosmic, checked once for all engines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_number, check_whole
from ccdproc_crplugin.kernels.pixels import as_c_array
from ccdproc_crplugin.kernels.psf import gaussian_psf

#: Default of ``sigclip`` for this package's detector, and the default of astroscrappy for what follows astroscrappy.
SIGCLIP = 5.0
ASTROSCRAPPY_SIGCLIP = 4.5

EDGES = ("search", "skip")
REPAIRS = ("meanmask", "medmask", "median", "idw")
#: How pixels are replaced between the iterations: as in the end, or by the IRAF task's median, in which a lost pixel
#: counts as brighter than any other.
VARIANTS = ("astroscrappy", "iraf")
#: Default of ``objlim`` for each way to compute the fine structure. A star has more
#: fine structure with the matched filter than with medians, so that with the limit
#: for medians no cosmic ray of a frame with stars would be found.
OBJLIM = {"median": 5.0, "convolve": 2.0}

_WIDEST_KERNEL = 65  # pixels


def _checked_psf_kernel(psf_kernel: Any) -> np.ndarray:
    kernel = as_c_array(psf_kernel, np.float32)
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
    """The parameters of a run of L.A.Cosmic, checked."""

    readnoise: float  # electrons
    sigclip: float = ASTROSCRAPPY_SIGCLIP  # least S' of a cosmic ray
    sigfrac: float = 0.3  # a neighbour of a cosmic ray needs S' above sigfrac * sigclip
    objlim: float | None = None  # least S'/F of a cosmic ray; None for `OBJLIM`
    niter: int = 4  # largest number of iterations
    sepmed: bool = False  # separable medians (7, 7, 5 and 9 pixels wide) instead of true ones (5, 5, 3 and 7)
    edges: str = "search"  # reflect the frame at its edges, or "skip" the outermost pixels
    repair: str | None = "meanmask"  # new values from the 5 x 5 pixels around; None leaves the pixels as they are
    variant: str = "astroscrappy"  # how pixels are replaced between the iterations, see `VARIANTS`
    fsmode: str = "median"  # fine structure F from medians, or from a matched filter ("convolve")
    #: The star's profile, at most 65 pixels wide, for "convolve"; None for a Gaussian of a FWHM of 2.5 pixels.
    psf_kernel: np.ndarray | None = field(default=None, repr=False, compare=False)
    scores_above: float = math.inf  # least S' of the candidates in the table of scores

    def __post_init__(self) -> None:
        check_choice("edges", self.edges, EDGES)
        check_choice("repair", self.repair, (*REPAIRS, None, "none"))
        check_choice("variant", self.variant, VARIANTS)
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
    def search_repair(self) -> str:
        """How pixels are replaced between the iterations."""
        return "iraf" if self.variant == "iraf" else str(self.repair)

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
