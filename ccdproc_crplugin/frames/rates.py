# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How many cosmic rays to expect in a frame, and whether what was found can be true.

Muons from the air hit every chip. To them come what the chip's surroundings radiate, and, in thick silicon above
all, the electrons ("worms") that gamma rays set free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header

__all__ = ["RADIOACTIVE_GLASS", "VERDICTS", "Expectation", "event_rate", "expected_events", "judge"]

#: What `judge` may say.
VERDICTS = ("plausible", "too many", "too few", "cannot tell")

RATE = u.cm**-2 / u.min

#: Muons through a level detector at sea level: "about 1 per cm2 and minute". S. Navas et al. (Particle Data Group),
#: Phys. Rev. D 110, 030001 (2024), chapter "Cosmic rays".
MUONS = 1.0 * RATE
#: At 4 km about three times as many charged particles as at sea level (the same chapter, fluxes in the air).
GROWTH, GROWTH_HEIGHT = 3.0, 4000 * u.m
#: The highest observatories; what is not known of a frame's altitude lies between this and 0.
HIGHEST = 4500 * u.m
#: Share of the muons that cross a chip on edge to the sky; CCDs have measured 0.5 per cm2 and minute and more.
ON_EDGE = 0.5
#: Worms and spots from the surroundings. CCDs at sea level count up to 3 in all; DECam 2.2 at 2.2 km. D. Groom, Exp.
#: Astron. 14, 45 (2002); A. Smith et al., SPIE 4669, 172 (2002).
SURROUNDINGS = 2.0 * RATE
#: Radioactive glass near a chip (windows and lenses of BK7 with potassium, or thoriated) has given as many as this.
RADIOACTIVE_GLASS = 10.0 * RATE

#: A chip goes on collecting while it is read. Where that time is not known it is between 0 and this.
LONGEST_READOUT = 60 * u.s

#: Beyond these it is a slip of the unit or of the header: no pixel, binned, is larger, no exposure longer, no
#: observatory on the ground higher, and in orbit other rates hold.
LARGEST = {
    "pixel_size": 1 * u.cm,
    "exposure": 1e6 * u.s,
    "readout": 1e5 * u.s,
    "altitude": 9000 * u.m,
    "rate": 1e4 * RATE,
}

#: Keywords that give the size of a pixel with its binning, as the programs of amateur cameras write them.
BINNED_SIZE = ("XPIXSZ",)

#: Chance that a Poisson count lies beyond one end of its band: that of three standard deviations.
BEYOND, STANDARD_DEVIATIONS = 0.00135, 3.0
#: From this mean on a Poisson count is as good as normal.
MANY = 1e6


@dataclass(frozen=True)
class Expectation:
    """
    How many events to expect in a frame.

    Parameters
    ----------
    low, high : int or None
        The fewest and the most events, three standard deviations of a Poisson count beyond the means; None where the
        area or the time is not known.
    mean_low, mean_high : float
        Means for the lowest and the highest plausible rate; not a number where they can't be told.
    area : Quantity or None
        Area of the good pixels (cm2).
    time : Quantity or None
        Exposure and, if it was given, read-out (s).
    missing : tuple of str
        What is known neither from the header nor from a parameter: ``"pixel size"``, ``"exposure"``, ``"altitude"``.
        Without the first two nothing can be expected; without the third the range is wider.
    """

    low: int | None
    high: int | None
    mean_low: float
    mean_high: float
    area: u.Quantity | None
    time: u.Quantity | None
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.low is None:
            return " and ".join(f"no {name}" for name in self.needed) + " in the header"
        return f"{self.low} to {self.high} expected"

    @property
    def needed(self) -> tuple[str, ...]:
        """
        What is missing and without which nothing can be expected.
        """
        return tuple(name for name in self.missing if name != "altitude")


def event_rate(altitude: Any = None) -> u.Quantity:
    """
    Lowest and highest plausible rate of events.

    Parameters
    ----------
    altitude : Quantity, float or None
        Height above the sea (a plain number is in m). `None`: anywhere from the sea to the highest observatories.

    Returns
    -------
    Quantity, shape (2,)
        Events per cm2 and minute: at least half of the muons, at most all of them and what the surroundings add.

    Examples
    --------
    >>> from ccdproc_crplugin.frames.rates import event_rate
    >>> event_rate(2200).round(1)
    <Quantity [0.9, 3.8] 1 / (min cm2)>
    """
    low, high = (0 * u.m, HIGHEST) if altitude is None else [_quantity("altitude", altitude, u.m)] * 2
    muons_low, muons_high = (MUONS * GROWTH ** (height / GROWTH_HEIGHT).to_value(u.one) for height in (low, high))
    return u.Quantity([ON_EDGE * muons_low, muons_high + SURROUNDINGS])


def expected_events(
    ccd: CCDData,
    *,
    pixel_size: Any = None,
    altitude: Any = None,
    exposure: Any = None,
    readout: Any = None,
    rate: Any = None,
) -> Expectation:
    """
    How many cosmic rays to expect in a frame: rate x area x (exposure + read-out).

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame; not changed.
    pixel_size : Quantity, float or None
        Side of a pixel of the frame, binning included (micron). `None` means the header's.
    altitude : Quantity, float or None
        Height above the sea (m). `None` means the header's.
    exposure : Quantity, float or None
        Exposure time (s). `None` means the header's.
    readout : Quantity, float or None
        Time for which the chip goes on collecting while it is read (s). `None`: 0 to 60 s.
    rate : Quantity, pair of float or None
        Lowest and highest rate of the camera (events per cm2 and minute), if you know better. `None` means that of
        the altitude, see `~ccdproc_crplugin.frames.rates.event_rate`.

    Returns
    -------
    Expectation
        The range, and what is missing to tell it.

    Raises
    ------
    CosmicRayError
        If there is no frame, or a parameter is negative, out of all reason or its unit does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.frames.rates import expected_events
    >>> ccd = CCDData(np.ones((4096, 4096), dtype="f4"), unit="adu", meta={"EXPTIME": 90, "XPIXSZ": 9})
    >>> found = expected_events(ccd, altitude=305, readout=0)
    >>> found.low, found.high
    (3, 88)
    """
    if not isinstance(ccd, CCDData):
        raise CosmicRayError(f"Found {type(ccd).__name__}; expected a CCDData.")
    size = _known("pixel size", pixel_size, u.micron, _pixel_of_header(ccd.meta))
    seconds = _known("exposure", exposure, u.s, header.exposure(ccd.meta))
    height = _known("altitude", altitude, u.m, header.altitude(ccd.meta))
    needed = {"pixel size": size, "exposure": seconds, **({"altitude": height} if rate is None else {})}
    missing = tuple(name for name, value in needed.items() if value is None)
    waits = u.Quantity([0 * u.s, LONGEST_READOUT] if readout is None else [_quantity("readout", readout, u.s)] * 2)
    area = None if size is None else (_good_pixels(ccd) * size**2).to(u.cm**2)
    time = None if seconds is None else seconds + waits[0]
    if area is None or seconds is None:
        return Expectation(None, None, math.nan, math.nan, area, time, missing)
    rates = event_rate(height) if rate is None else _pair(rate)
    mean_low, mean_high = (rates * area * (seconds + waits)).to_value(u.one)
    return Expectation(*_band(mean_low, mean_high), float(mean_low), float(mean_high), area, time, missing)


def judge(n_events: int, expectation: Expectation) -> str:
    """
    Whether a number of events can be true.

    Parameters
    ----------
    n_events : int
        Events found.
    expectation : Expectation
        What to expect of the frame.

    Returns
    -------
    {"plausible", "too many", "too few", "cannot tell"}
        The verdict.

    Raises
    ------
    CosmicRayError
        If that is no number of events.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.frames.rates import expected_events, judge
    >>> ccd = CCDData(np.ones((4096, 4096), dtype="f4"), unit="adu", meta={"EXPTIME": 90, "XPIXSZ": 9})
    >>> judge(20, expected_events(ccd)), judge(2000, expected_events(ccd))
    ('plausible', 'too many')
    """
    if isinstance(n_events, bool) or not isinstance(n_events, int | np.integer) or n_events < 0:
        raise CosmicRayError(f"Found n_events={n_events!r}; expected a whole number, 0 or more.")
    if expectation.low is None:
        return "cannot tell"
    if n_events > expectation.high:
        return "too many"
    return "too few" if n_events < expectation.low else "plausible"


def _pixel_of_header(meta: Mapping) -> header.HeaderValue | None:
    """Side of a square pixel of the frame's area: but for `BINNED_SIZE`, headers give that of the chip."""
    size, binning = header.pixel_size(meta), header.binning(meta)
    if size is None or binning is None or size.keyword in BINNED_SIZE:
        return size
    return header.HeaderValue(size.value * math.sqrt(math.prod(binning.value)), size.keyword)


def _known(name: str, given: Any, unit: u.Unit, in_header: header.HeaderValue | None) -> u.Quantity | None:
    name = name.replace(" ", "_")
    if given is not None:
        return _quantity(name, given, unit)
    return None if in_header is None or in_header.value > LARGEST[name] else in_header.value


def _quantity(name: str, value: Any, unit: u.Unit) -> u.Quantity:
    try:
        quantity = u.Quantity(value, unit, dtype=float)
    except (TypeError, ValueError, u.UnitConversionError) as err:
        raise CosmicRayError(f"Found {name}={value!r}; expected a number or a Quantity in {unit}.") from err
    if not quantity.isscalar or not np.isfinite(quantity) or quantity < 0:
        raise CosmicRayError(f"Found {name}={value!r}; expected one number in {unit}, 0 or more.")
    if quantity > LARGEST[name]:
        raise CosmicRayError(f"Found {name}={value!r}; expected {LARGEST[name].to(unit):g} at the most.")
    return quantity


def _pair(rate: Any) -> u.Quantity:
    try:
        low, high = (_quantity("rate", value, RATE) for value in rate)
    except (TypeError, ValueError) as err:
        if isinstance(err, CosmicRayError):
            raise
        raise CosmicRayError(f"Found rate={rate!r}; expected a pair, the lowest and the highest, in {RATE}.") from err
    if low > high:
        raise CosmicRayError(f"Found rate={rate!r}; expected the lowest first.")
    return u.Quantity([low, high])


def _good_pixels(ccd: CCDData) -> int:
    """How many pixels a cosmic ray could be found on."""
    n_bad = np.count_nonzero(ccd.mask) if np.shape(ccd.mask) == ccd.data.shape else 0
    return ccd.data.size - n_bad


def _band(mean_low: float, mean_high: float) -> tuple[int, int]:
    """The fewest events of the lower mean and the most of the higher one."""
    from scipy.special import pdtrik

    means = np.array([mean_low, mean_high])
    with np.errstate(invalid="ignore"):
        poisson = pdtrik([BEYOND, 1 - BEYOND], means)
    normal = means + STANDARD_DEVIATIONS * np.sqrt(means) * [-1, 1]
    low, high = np.where(means > MANY, normal, poisson)
    return math.ceil(low) if mean_low > 0 else 0, math.ceil(high) if mean_high > 0 else 0
