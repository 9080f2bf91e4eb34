# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How many cosmic rays to expect in a frame, and whether the number found is plausible.

Muons from the air hit every chip. Radioactivity around the chip adds events, and so do, mostly in thick silicon, the
electrons ("worms") that gamma rays set free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData

from ccdproc_crplugin.errors import CosmicRayError, check_whole, wrong_value
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from ccdproc_crplugin.kernels.structure import SIZE_RULES, structure_rules

#: The answers of `judge`.
VERDICTS = ("plausible", "too many", "too few", "too large", "cannot tell")

#: Share of a frame above which the pixels of events are never plausible where no such share is expected, and above
#: which they are too many even where nothing is known of what to expect.
LARGEST_SHARE, ABSURD_SHARE = 0.02, 0.1
#: Share of the good pixels that must have been searched for a verdict on their number.
LEAST_SEARCHED = 0.5
#: Pixels of an event on average, at the most: about 5 in thick silicon on the ground, twice as many in orbit.
PIXELS_PER_EVENT = 10

RATE = u.cm**-2 / u.min

#: Muons through a level detector at sea level: "about 1 per cm2 and minute". S. Navas et al. (Particle Data Group),
#: Phys. Rev. D 110, 030001 (2024), chapter "Cosmic rays".
MUONS = 1.0 * RATE
#: At 4 km about three times as many charged particles as at sea level (the same chapter, fluxes in the air).
GROWTH, GROWTH_HEIGHT = 3.0, 4000 * u.m
#: The altitude of the highest observatories. A frame's altitude that is not known is taken to be from 0 to this.
HIGHEST = 4500 * u.m
#: Share of the muons that hit a chip that stands on edge; CCDs have measured 0.5 per cm2 and minute and more.
ON_EDGE = 0.5
#: Worms and spots from the surroundings. CCDs at sea level count up to 3 in all; DECam 2.2 at 2.2 km. D. Groom, Exp.
#: Astron. 14, 45 (2002); A. Smith et al., SPIE 4669, 172 (2002).
SURROUNDINGS = 2.0 * RATE
#: Rate measured near radioactive glass (windows and lenses of BK7 with potassium, or thoriated).
RADIOACTIVE_GLASS = 10.0 * RATE

#: A chip collects events while it is read. A read-out time that is not known is taken to be from 0 to this.
LONGEST_READOUT = 60 * u.s

#: Larger values are mistakes of the unit or the header: no binned pixel is larger, no exposure longer and no
#: observatory on the ground higher; in orbit the rates are others.
LARGEST = {
    "pixel_size": 1 * u.cm,
    "exposure": 1e6 * u.s,
    "readout": 1e5 * u.s,
    "altitude": 9000 * u.m,
    "rate": 1e4 * RATE,
}

#: Events of which noise alone makes more than this share, and more than so many, are not plausible.
LARGEST_NOISE_SHARE, FEW_NOISE_EVENTS = 0.5, 3.0
#: The card of a cleaned frame for the number of events to expect from noise alone.
NOISE_CARD = "CRNNOISE"

#: Keywords of the size of a pixel with its binning, as programs for amateur cameras write it.
BINNED_SIZE = ("XPIXSZ",)

#: Probability that a Poisson count lies beyond one end of its band: that of three standard deviations.
BEYOND, STANDARD_DEVIATIONS = 0.00135, 3.0
#: From this mean on the normal distribution replaces that of Poisson.
MANY = 1e6


@dataclass(frozen=True)
class Expectation:
    """
    How many events to expect in a frame.

    Parameters
    ----------
    low, high : int or None
        The fewest and the most events, three standard deviations of a Poisson count beyond the means with those of
        noise alone; None if the area or the time is not known.
    mean_low, mean_high : float
        Means for the lowest and the highest plausible rate of particles; NaN if the area or the time is not known.
    area : Quantity or None
        Area of the good pixels (cm2).
    time : Quantity or None
        Exposure time plus the read-out time, if that was given (s).
    missing : tuple of str
        The values found neither in the header nor in a parameter: ``"pixel size"``, ``"exposure"``, ``"altitude"``.
        Without the first two there is no range; without the third the range is wider.
    noise : float
        Events to expect from noise alone, where the detector said so.
    """

    low: int | None
    high: int | None
    mean_low: float
    mean_high: float
    area: u.Quantity | None
    time: u.Quantity | None
    missing: tuple[str, ...] = ()
    noise: float = 0.0

    def __str__(self) -> str:
        if self.low is None:
            return " and ".join(f"no {name}" for name in self.needed) + " in the header"
        return f"{self.low} to {self.high} expected"

    @property
    def needed(self) -> tuple[str, ...]:
        """
        The missing values without which there is no range.
        """
        return tuple(name for name in self.missing if name != "altitude")


@dataclass(frozen=True)
class Extent:
    """
    How much of a frame the events cover.

    Parameters
    ----------
    n_pixels, n_frame : int
        Pixels of the events, and of the whole frame.
    n_structure : int
        Those of events that are structure of the frame, not cosmic rays.
    largest_impossible : int
        Pixels of the largest of the events that no particle can make; 0 without such an event.
    searched : float
        The share of the good pixels that was searched.
    """

    n_pixels: int = 0
    n_frame: int = 0
    n_structure: int = 0
    largest_impossible: int = 0
    searched: float = 1.0

    @property
    def share(self) -> float:
        """
        The share of the frame that the events cover.
        """
        return self.n_pixels / self.n_frame if self.n_frame else 0.0


def extent_of(
    y: np.ndarray, x: np.ndarray, label: np.ndarray, shape: tuple[int, int], saturated: np.ndarray | None = None
) -> Extent:
    """
    Measure how much of a frame the events cover.

    Parameters
    ----------
    y, x, label : `~numpy.ndarray` of int, shape (n,)
        The pixels of the events, and the label of each, from 1.
    shape : tuple of int
        Of the frame.
    saturated : `~numpy.ndarray` of bool or None, shape (ny, nx)
        The saturated pixels.

    Returns
    -------
    Extent
        What `judge` takes.
    """
    rules, area = structure_rules(y, x, label, shape, saturated), np.bincount(label, minlength=1)
    impossible = area[np.isin(rules, SIZE_RULES)]
    return Extent(len(y), math.prod(shape), int(area[rules > 0].sum()), int(impossible.max(initial=0)))


def event_rate(altitude: Any = None) -> u.Quantity:
    """
    Lowest and highest plausible rate of events.

    Parameters
    ----------
    altitude : Quantity, float or None
        Height above sea level (a plain number is in m). `None` means any from sea level to the highest observatories.

    Returns
    -------
    Quantity, shape (2,)
        Events per cm2 and minute: from half of the muons to all of them plus the radioactivity of the surroundings.

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
        Height above sea level (m). `None` means the header's.
    exposure : Quantity, float or None
        Exposure time (s). `None` means the header's.
    readout : Quantity, float or None
        Time in which the chip still collects events while it is read (s). `None` means 0 to 60 s.
    rate : Quantity, pair of float or None
        Lowest and highest rate of the camera (events per cm2 and minute), if they were measured. `None` means those
        of the altitude, see `~ccdproc_crplugin.frames.rates.event_rate`.

    Returns
    -------
    Expectation
        The range, and the values that were not found.

    Raises
    ------
    CosmicRayError
        If ``ccd`` is not a CCDData, or a parameter is negative, impossibly large or in a wrong unit.

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
    return expected_in(
        ccd, ccd.meta, pixel_size=pixel_size, altitude=altitude, exposure=exposure, readout=readout, rate=rate
    )


def expected_in(ccd: CCDData, meta: Mapping, *, readout: Any = None, rate: Any = None, **given: Any) -> Expectation:
    """`expected_events` with a header that may have been read before."""
    size = _known("pixel size", given, u.micron, binned_pixel(meta))
    seconds = _known("exposure", given, u.s, header.exposure(meta))
    height = _known("altitude", given, u.m, header.altitude(meta))
    needed = {"pixel size": size, "exposure": seconds, **({"altitude": height} if rate is None else {})}
    missing = tuple(name for name, value in needed.items() if value is None)
    waits = u.Quantity([0 * u.s, LONGEST_READOUT] if readout is None else [_quantity("readout", readout, u.s)] * 2)
    area = None if size is None else (_good_pixels(ccd) * size**2).to(u.cm**2)
    time = None if seconds is None else seconds + waits[0]
    if area is None or seconds is None:
        return Expectation(None, None, math.nan, math.nan, area, time, missing, noise_of_header(ccd.meta))
    rates = event_rate(height) if rate is None else _pair(rate)
    mean_low, mean_high = (rates * area * (seconds + waits)).to_value(u.one)
    band = _band(mean_low, mean_high)
    expectation = Expectation(*band, float(mean_low), float(mean_high), area, time, missing)
    return with_noise(expectation, noise_of_header(ccd.meta))


def with_noise(expectation: Expectation, noise: float) -> Expectation:
    """The expectation with so many events of noise beside those of particles."""
    means = np.array([expectation.mean_low, expectation.mean_high]) + noise
    if noise == expectation.noise or not np.isfinite(means).all():
        return replace(expectation, noise=noise)
    low, high = _band(*means)
    return replace(expectation, low=low, high=high, noise=noise)


def noise_of_header(meta: Mapping) -> float:
    """Events to expect from noise alone, by the header of a cleaned frame; 0 where it does not say."""
    value = meta.get(NOISE_CARD)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else 0.0


def judge(n_events: int, expectation: Expectation, *, extent: Extent | None = None) -> str:
    """
    Whether the events found are plausible.

    Parameters
    ----------
    n_events : int
        Number of events found.
    expectation : Expectation
        The range to expect in the frame.
    extent : Extent or None
        The pixels of these events, from ``extent_of``. `None` means that only their number
        counts.

    Returns
    -------
    {"plausible", "too many", "too few", "too large", "cannot tell"}
        The verdict. ``"too large"``: an event is larger than a particle makes, or most of the pixels belong to events
        that are structure of the frame. ``"too many"``: more events than expected, or noise alone makes most of them,
        or more than 2 % of the frame where the rate does not reach that.

    Raises
    ------
    CosmicRayError
        If ``n_events`` is not a whole number of 0 or more.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.frames.rates import expected_events, judge
    >>> ccd = CCDData(np.ones((4096, 4096), dtype="f4"), unit="adu", meta={"EXPTIME": 90, "XPIXSZ": 9})
    >>> judge(20, expected_events(ccd)), judge(2000, expected_events(ccd))
    ('plausible', 'too many')
    """
    return verdict_with_reason(n_events, expectation, extent)[0]


def verdict_with_reason(n_events: int, expectation: Expectation, extent: Extent | None = None) -> tuple[str, str]:
    """The verdict of `judge`, and in a few words its reason where that is not the number of events."""
    check_whole("n_events", n_events, 0)
    extent = Extent() if extent is None else extent
    if extent.largest_impossible:
        return "too large", f"an event of {extent.largest_impossible} pixels"
    if extent.n_structure > extent.n_pixels / 2:
        return "too large", "most pixels are structure"
    if _covers_too_much(expectation, extent):
        return "too many", f"{100 * extent.share:.2g} % of the frame"
    if n_events and _is_mostly_noise(n_events, expectation.noise):
        return "too many", f"noise alone makes {expectation.noise:.2g}"
    if extent.searched < LEAST_SEARCHED:
        return "cannot tell", f"{extent.searched:.0%} of the frame searched" if extent.searched else "nothing searched"
    if expectation.low is None or expectation.high is None:
        return "cannot tell", ", ".join(f"no {name}" for name in expectation.needed)
    if n_events > expectation.high:
        return "too many", ""
    return ("too few" if n_events < expectation.low else "plausible"), ""


def _is_mostly_noise(n_events: int, noise: float) -> bool:
    return noise > max(LARGEST_NOISE_SHARE * n_events, FEW_NOISE_EVENTS)


def _covers_too_much(expectation: Expectation, extent: Extent) -> bool:
    """Whether events cover more of the frame than the rate allows."""
    if expectation.high is None:
        return extent.share > ABSURD_SHARE
    return extent.share > LARGEST_SHARE and extent.n_pixels > PIXELS_PER_EVENT * expectation.high


def binned_pixel(meta: Mapping) -> header.HeaderValue | None:
    """Side of a square with the area of a binned pixel; headers have the chip's pixels, except in `BINNED_SIZE`."""
    size, binning = header.pixel_size(meta), header.binning(meta)
    if size is None or binning is None or size.keyword in BINNED_SIZE:
        return size
    return header.HeaderValue(size.value * math.sqrt(math.prod(binning.value)), size.keyword)


def _known(
    quantity: str, given: Mapping[str, Any], unit: u.Unit, in_header: header.HeaderValue | None
) -> u.Quantity | None:
    name = quantity.replace(" ", "_")
    if given.get(name) is not None:
        return _quantity(name, given[name], unit)
    return None if in_header is None or in_header.value > LARGEST[name] else in_header.value


def _quantity(name: str, value: Any, unit: u.Unit) -> u.Quantity:
    try:
        quantity = u.Quantity(value, unit, dtype=float)
    except (TypeError, ValueError, u.UnitConversionError) as err:
        raise wrong_value(name, value, f"a number or a Quantity in {unit}") from err
    if not quantity.isscalar or not np.isfinite(quantity) or quantity < 0:
        raise wrong_value(name, value, f"one number in {unit}, 0 or more")
    if quantity > LARGEST[name]:
        raise wrong_value(name, value, f"{LARGEST[name].to(unit):g} at the most")
    return quantity


def _pair(rate: Any) -> u.Quantity:
    try:
        low, high = (_quantity("rate", value, RATE) for value in rate)
    except CosmicRayError:
        raise
    except (TypeError, ValueError) as err:
        raise wrong_value("rate", rate, f"a pair, the lowest and the highest, in {RATE}") from err
    if low > high:
        raise wrong_value("rate", rate, "the lowest first")
    return u.Quantity([low, high])


def _good_pixels(ccd: CCDData) -> int:
    """Number of pixels that are not masked and, in a cleaned frame, were searched; what does not fit does not count."""
    left_out = np.zeros(ccd.data.shape, dtype=bool)
    if np.shape(ccd.mask) == ccd.data.shape:
        left_out |= np.asarray(ccd.mask, dtype=bool)
    flags = ccd.flags if "CRDETECT" in ccd.meta else None
    if isinstance(flags, np.ndarray) and flags.dtype == np.uint8 and flags.shape == left_out.shape:
        left_out |= is_flagged(flags, PixelFlag.NOT_SEARCHED)
    return left_out.size - int(np.count_nonzero(left_out))


def searched_share(flags: np.ndarray | None) -> float:
    """The share of the pixels that are not bad that was searched, by the flags of a cleaned frame."""
    if flags is None:
        return 1.0
    n_good = flags.size - np.count_nonzero(is_flagged(flags, PixelFlag.BAD))
    return 1 - np.count_nonzero(is_flagged(flags, PixelFlag.NOT_SEARCHED)) / n_good if n_good else 0.0


def _band(mean_low: float, mean_high: float) -> tuple[int, int]:
    """The lower end of the band of the lower mean and the upper end of that of the higher mean."""
    from scipy.special import pdtrik

    means = np.array([mean_low, mean_high])
    with np.errstate(invalid="ignore"):
        poisson = pdtrik([BEYOND, 1 - BEYOND], means)
    normal = means + STANDARD_DEVIATIONS * np.sqrt(means) * [-1, 1]
    low, high = np.where(means > MANY, normal, poisson)
    return math.ceil(low) if mean_low > 0 else 0, math.ceil(high) if mean_high > 0 else 0
