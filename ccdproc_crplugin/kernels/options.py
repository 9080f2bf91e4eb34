# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The options of L.A.Cosmic, checked once for all engines."""

import math
from dataclasses import dataclass, field

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.kernels.psf import gaussian_psf

__all__ = ["EDGES", "OBJLIM", "REPAIRS", "Options"]

EDGES = ("search", "skip")
REPAIRS = ("meanmask", "medmask", "median", "idw")
#: Default of ``objlim`` for each way to make the fine structure. The matched
#: filter leaves a star's profile more contrast than medians do, so the limit
#: that suits medians would let no pixel of a frame with stars pass.
OBJLIM = {"median": 5.0, "convolve": 2.0}


def _refuse(name, found, expected, fix):
    raise CosmicRayError(f"{name}: found {found!r}, expected {expected}; {fix}")


def _check_number(name, value, least, expected, fix):
    try:
        number = float(value)
    except (TypeError, ValueError):
        _refuse(name, value, expected, fix)
    if math.isnan(number) or number < least:
        _refuse(name, value, expected, fix)


def _check_choice(name, value, choices):
    if value not in choices:
        _refuse(name, value, "one of " + ", ".join(map(repr, choices)), "choose one of them")


def _checked_psf_kernel(psf_kernel):
    kernel = np.ascontiguousarray(psf_kernel, dtype=np.float32)
    if kernel.ndim != 2 or kernel.size == 0 or max(kernel.shape) > 65:
        _refuse(
            "psf_kernel",
            kernel.shape,
            "two axes of 1 to 65 pixels",
            "cut the profile where it fades, at about three times its FWHM",
        )
    if not np.isfinite(kernel).all():
        _refuse("psf_kernel", "weights that are not finite", "finite weights", "replace them by zero")
    return kernel


@dataclass(frozen=True)
class Options:
    """What a run of L.A.Cosmic is told, apart from the frame."""

    readnoise: float
    sigclip: float = 4.5
    sigfrac: float = 0.3
    objlim: float | None = None
    niter: int = 4
    sepmed: bool = False
    edges: str = "search"
    repair: str | None = "meanmask"
    fsmode: str = "median"
    psf_kernel: np.ndarray | None = field(default=None, repr=False, compare=False)
    scores_above: float | None = None

    def __post_init__(self):
        _check_choice("edges", self.edges, EDGES)
        _check_choice("repair", self.repair, (*REPAIRS, None, "none"))
        _check_choice("fsmode", self.fsmode, tuple(OBJLIM))
        not_negative = "a number that is not negative"
        for name, value in (("readnoise", self.readnoise), ("sigclip", self.sigclip), ("sigfrac", self.sigfrac)):
            _check_number(name, value, 0.0, not_negative, "give it in electrons" if name == "readnoise" else "raise it")
        _check_number("niter", self.niter, 0, "a whole number that is not negative", "4 is usual")
        objlim = OBJLIM[self.fsmode] if self.objlim is None else self.objlim
        _check_number("objlim", objlim, -math.inf, "a number", "about 5 undersampled, 2 well sampled")
        scores_above = math.inf if self.scores_above is None else self.scores_above
        _check_number("scores_above", scores_above, 0.0, not_negative, "name the lowest sigclip of interest")
        psf_kernel = None
        if self.fsmode == "convolve":
            psf_kernel = gaussian_psf(2.5) if self.psf_kernel is None else self.psf_kernel
            psf_kernel = _checked_psf_kernel(psf_kernel)
        for name, value in (
            ("objlim", float(objlim)),
            ("niter", int(self.niter)),
            ("repair", self.repair or "none"),
            ("scores_above", float(scores_above)),
            ("psf_kernel", psf_kernel),
        ):
            object.__setattr__(self, name, value)

    @property
    def sigclip_low(self):
        """Least S' of a cosmic ray's neighbour, rounded to single precision."""
        return float(np.float32(self.sigfrac) * np.float32(self.sigclip))

    @property
    def readnoise2(self):
        """Square of the read noise, electrons squared, in single precision."""
        return float(np.float32(self.readnoise) * np.float32(self.readnoise))

    @property
    def edge_width(self):
        """How many rows and columns at each edge are not searched."""
        if self.edges == "search":
            return 0
        return 3 if self.sepmed else 2
