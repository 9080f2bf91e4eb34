# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Values of a header in the dialects of cameras and observatories.

First come the tables of keywords (`KEYWORDS`) and of words for the kind of a frame (`KINDS`), then a look-up for each
quantity. A look-up returns the first usable value with its keyword, or None. Every one takes a header, a plain mapping
or, to read the cards once for several look-ups, the result of `read_header`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from astropy import units as u
from astropy.io.fits import Header, VerifyError

from ccdproc_crplugin.errors import CosmicRayError


def _table(rows: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(_numbered(entries.split(", "))) for name, entries in rows.items()}


def _numbered(entries: Iterable[str]) -> Iterator[str]:
    """The entries, those with "#" once for each number from 1 to 9."""
    for entry in entries:
        yield from (entry.replace("#", str(number)) for number in range(1, 10)) if "#" in entry else (entry,)


#: The keywords of each quantity, the most reliable first.
KEYWORDS = _table(
    {
        # What GAIN means depends on the camera: amateur software writes the sensor's setting there and electron/adu
        # in EGAIN; at ESO, GAIN is adu/electron and CONAD electron/adu.
        "gain": "EGAIN, ESO DET OUT1 CONAD, HIERARCH ESO DET OUT1 CONAD, CONAD, CCDGAIN, GAIN, GAIN1, GAINEFF",
        "readnoise": "RDNOISE, READNOIS, READNOISE, RON, ENOISE, RDNOIS, RDNOISE1, READNSE, ESO DET OUT1 RON, NOISE",
        "saturation": "SATURATE, SATLEVEL, SATURAT, SATUR, SATURATI, MAXLIN, NONLINEA, SATULEVEL",
        # What to add to get a level of zero without light, so that a pedestal stands there with a minus.
        "pedestal": "PEDESTAL",
        "exposure": "EXPTIME, EXPOSURE, EXPOSED, EXP_TIME, ITIME, EXPOTIME, TEXP, XPOSURE",
        "pixel size": "XPIXSZ, PIXSIZE1, PIXSIZE, PIXSIZEX, XPIXELSZ, CCDXPIXE, DETPXSZ, PIXELSZ",
        "altitude": "OBSGEO-H, ESO TEL GEOELEV, SITEELEV, OBSALT, ALT-OBS, OBS-ELEV, OBSELEV, HEIGHT, SITEALT, GEOELEV",
        # All wheels of a camera count; "#" stands for a number from 1 to 9.
        "filter": (
            "FILTER, FILTER#, FILTER0#, FILTNAM, FILTNAM#, FILTERID, INSFILTE, FILTERS, FILT, FILT#NAM, FILTNM#, "
            "ESO INS FILT# NAME, ALFLTNM, FAFLTNM, FBFLTNM, ISIFILTA, ISIFILTB, WFFBAND, ACAMWH#, DWFILNAM, BLUFILT, "
            "REDFILT, BLFILT_N, RDFILT_N, LOFILT_N, UPFILT_N, USFILT_N"
        ),
        "disperser": (
            "GRATING, GRISM, DISPERSR, DISPNAME, DISPELEM, GRATNAME, GRISNAME, GRANAME, GRATID, OPT_ELEM, ALGRNM, "
            "ISIGRAT, GRATNG_N, GRISM_N, DGRNAM, GRISTNAM, ESO INS GRIS# NAME, ESO INS GRAT# NAME"
        ),
        "slit": (
            "SLIT, SLITNAME, SLITID, SLIT_N, SLITMASK, MASKNAME, SLMSKNAM, ALAPRTNM, DECKER, DECKER_N, DECKNAME, "
            "SLITWID, SLITW, SLIT_WID, ISISLITW, SLWIDTH, ESO INS SLIT NAME, ESO INS SLIT# NAME, ESO INS SLIT# WID"
        ),
        "central wavelength": "CENWAVE, CENWAV, CENWLEN, GRWLEN, CWAVELEN, WAVELENG, ESO INS GRAT# WLEN, GRTILT_P",
        # What tells one camera, chip, amplifier or setting from another. Several of these may stand in one header.
        "camera": "INSTRUME, CAMERA, CAMNAME, CAMERAID, CAMID, CAMSN",
        "detector": (
            "DETECTOR, DETNAM, DETNAME, CCDNAME, CCDID, CCDNUM, CCDCHIP, CHIPID, DSENSOR, EXTNAME, ESO DET CHIP# ID"
        ),
        "amplifier": "CCDAMP, AMPNAME, AMPLIFIE, AMPLIF, AMPID, AMPLIST, AMP, ESO DET OUT# ID",
        "gain setting": "ISO, ISOSPEED, CAMGAIN, GAINMODE",
        "offset": "OFFSET, BLKLEVEL, BLACKLVL, CAMOFFS",
        "bit depth": "BITDEPTH, BITCAM, ADCBITS",
        # Both factors in one card, or a card for each axis.
        "binning": "CCDSUM, BINNING, CCDBIN",
        "binning in x": "XBINNING, CCDXBIN, CCDBIN1, BINX, XBIN, BIN1, ESO DET WIN1 BINX, ESO DET BINX",
        "binning in y": "YBINNING, CCDYBIN, CCDBIN2, BINY, YBIN, BIN2, ESO DET WIN1 BINY, ESO DET BINY",
        "readout mode": (
            "READOUTM, READMODE, ESO DET READ CURNAME, CCDSPEED, ROSPEED, RDSPEED, RDMODE, READPATT, SAMP_SEQ, "
            "READOUT, READ-SPD, SPEED"
        ),
        # The measured temperature goes before the set point.
        "temperature": (
            "CCD-TEMP, CCDTEMP, DET-TEMP, DETTEMP, CCD_TEMP, TEMPCCD, CAMTEMP, ESO DET CHIP1 TEMP, SET-TEMP"
        ),
        "kind": ("IMAGETYP, IMAGETYPE, OBSTYPE, FRAMETYP, FRAME, ESO DPR TYPE, EXPTYPE, IMGTYPE, DATA-TYP, OBSMODE"),
        "name": "FILENAME, ORIGFILE, IRAFNAME, ORIGNAME, OBJECT",
    }
)

#: The words for each kind of frame, in lower case without blanks and punctuation.
KINDS = _table(
    {
        "bias": "bias, biasframe, zero, zeroframe, offset, offsetframe, masterbias",
        "dark": "dark, darkframe, masterdark",
        "flat": (
            "flat, flatfield, flatframe, skyflat, flatsky, twilightflat, twiflat, flattwilight, domeflat, flatdome, "
            "lampflat, flatlamp, dflat, sflat, tflat, masterflat"
        ),
        "arc": "arc, comp, comparison, lamp, wave, wavelamp, arclamp",
        "light": (
            "light, lightframe, object, objectframe, science, scienceframe, sci, target, sky, std, standard, exposure, "
            "expose, obj"
        ),
    }
)

#: A gain outside of this range (electron/adu) is a setting of the camera.
PLAUSIBLE_GAIN = (0.005, 60.0)

#: Positions of a wheel, or of a slit, with nothing in the beam: lower case, without blanks and punctuation.
_OPEN = re.compile(
    r"(open|clear|empty).*|.*out|(free|none|no|air|hole|unfiltered|mirror|no(filter|grism|grating|slit))\d*"
)

#: Texts that say nothing.
_SAYS_NOTHING = ("", "na", "nan", "null", "unknown", "undefined", "undef", "primary", "compressedimage")

#: A binning factor, below 1000.
_FACTOR = re.compile(r"(?<![-\d])[1-9]\d{0,2}(?!\d)")


@dataclass(frozen=True)
class HeaderValue:
    """A value and the keyword that it was found under."""

    value: Any
    keyword: str


class FrameHeader(dict[str, Any]):
    """The values of the cards that `KEYWORDS` names, by keyword in upper case."""


def read_header(meta: Mapping) -> FrameHeader:
    """Read the cards that `KEYWORDS` names, for several look-ups."""
    entries = _present(meta, [keyword for keywords in KEYWORDS.values() for keyword in keywords])
    return FrameHeader((entry.keyword, entry.value) for entry in entries)


def value_of(meta: Mapping, keyword: str) -> Any:
    """The value of one card of a whole header (keyword in upper case); None if missing, empty or unreadable."""
    return next((entry.value for entry in _present(meta, (keyword,))), None)


def frame_kind(meta: Mapping) -> str:
    """The kind of a frame: "light", "bias", "dark", "flat", "arc" or "unknown"."""
    for entry in _entries(meta, "kind"):
        words = [re.sub(r"[^a-z]", "", word) for word in re.split(r"[,;:]", str(entry.value).lower())]
        for kind, names in KINDS.items():
            if "".join(words) in names or any(word in names for word in words):
                return kind
    return "unknown"


def frame_name(meta: Mapping) -> str:
    """The name of the file or the object, for messages; "" if the header has neither."""
    name = _text(meta, "name")
    return "" if name is None else name.value


def gain(meta: Mapping) -> HeaderValue | None:
    """The gain, a Quantity in electron/adu; a value outside of `PLAUSIBLE_GAIN` is refused."""
    found = _positive_number(meta, "gain")
    if found is None:
        return None
    lowest, highest = PLAUSIBLE_GAIN
    if not lowest <= found.value <= highest:
        raise CosmicRayError(
            f"Found {found.keyword} = {found.value:g} in the header; expected a gain between {lowest:g} and "
            f"{highest:g} electron/adu, so this looks like a setting of the camera.",
            "Give {gain} in electron/adu.",
        )
    return HeaderValue(found.value * u.electron / u.adu, found.keyword)


def gain_setting(meta: Mapping) -> float | None:
    """The first number under a keyword of the gain, be it electron/adu or a setting; it only tells frames apart."""
    found = _first_number(meta, "gain") or _first_number(meta, "gain setting")
    return found and found.value


def readnoise(meta: Mapping) -> HeaderValue | None:
    """The read noise, a Quantity in electron."""
    return _quantity(meta, "readnoise", u.electron)


def saturation(meta: Mapping) -> HeaderValue | None:
    """The saturation level, a Quantity in adu, the unit of the raw frame."""
    return _quantity(meta, "saturation", u.adu)


def pedestal(meta: Mapping) -> HeaderValue | None:
    """The level without light, a Quantity in adu, which programs note with a minus sign."""
    for entry in _entries(meta, "pedestal"):
        level = -_number(entry.value)
        if math.isfinite(level) and level > 0:
            return HeaderValue(level * u.adu, entry.keyword)
    return None


def exposure(meta: Mapping) -> HeaderValue | None:
    """The exposure time, a Quantity in s, 0 s included."""
    for entry in _entries(meta, "exposure"):
        seconds = _number(entry.value)
        if math.isfinite(seconds) and seconds >= 0:
            return HeaderValue(seconds * u.s, entry.keyword)
    return None


def pixel_size(meta: Mapping) -> HeaderValue | None:
    """The side of a pixel, a Quantity in micron; a header in mm or m is recognised, as pixels have 1 to 100 micron."""
    found = _positive_number(meta, "pixel size")
    if found is None:
        return None
    for unit in (u.micron, u.mm, u.m):
        size = (found.value * unit).to(u.micron)
        if 1 <= size.value <= 100:
            return HeaderValue(size, found.keyword)
    return None


def altitude(meta: Mapping) -> HeaderValue | None:
    """The height of the observatory above sea level, a Quantity in m."""
    return _quantity(meta, "altitude", u.m)


def temperature(meta: Mapping) -> HeaderValue | None:
    """The temperature of the detector, a Quantity in deg_C; values from 100 to 400 are taken for kelvin."""
    for entry in _entries(meta, "temperature"):
        degrees = _number(entry.value)
        if 100 < degrees < 400:
            degrees = round(degrees - 273.15, 6)
        if -173.15 <= degrees <= 100:
            return HeaderValue(degrees * u.deg_C, entry.keyword)
    return None


def filters(meta: Mapping) -> HeaderValue | None:
    """
    The names of the filters in the beam, from all wheels of a camera: a tuple of str, empty if all are open or clear.

    None means that the header has no card of a filter.
    """
    return _in_beam(meta, "filter")


def filter_name(meta: Mapping) -> HeaderValue | None:
    """The name of the filter, those of several joined by "+"; the word for an open position if there is none."""
    found = filters(meta)
    return found and HeaderValue("+".join(found.value) or next(iter(texts(meta, "filter").values())), found.keyword)


def disperser(meta: Mapping) -> HeaderValue | None:
    """The names of the grating, grism or prism in the beam, a tuple of str as for `filters`."""
    return _in_beam(meta, "disperser")


def slit(meta: Mapping) -> HeaderValue | None:
    """The names or widths of the slit, decker or mask, a tuple of str as for `filters`."""
    return _in_beam(meta, "slit")


def central_wavelength(meta: Mapping) -> HeaderValue | None:
    """The central wavelength of a spectrograph, or the tilt of its grating; a number that only tells frames apart."""
    return _positive_number(meta, "central wavelength")


def camera(meta: Mapping) -> HeaderValue | None:
    """The name of the camera or instrument."""
    return _first_text(meta, "camera")


def detector(meta: Mapping) -> HeaderValue | None:
    """The name of the detector or chip."""
    return _first_text(meta, "detector")


def amplifier(meta: Mapping) -> HeaderValue | None:
    """The name of the amplifier, or of the amplifiers, that read the frame."""
    return _first_text(meta, "amplifier")


def offset(meta: Mapping) -> HeaderValue | None:
    """The offset (black level) that was set in the camera, a number."""
    return _first_number(meta, "offset")


def bit_depth(meta: Mapping) -> HeaderValue | None:
    """The number of bits of the camera's converter."""
    return _positive_number(meta, "bit depth")


def texts(meta: Mapping, quantity: str) -> dict[str, str]:
    """Every value of a quantity that says something, as text by keyword, such as all cards that name the camera."""
    found = {entry.keyword: _as_text(entry.value) for entry in _entries(meta, quantity)}
    return {keyword: text for keyword, text in found.items() if _bare(text) not in _SAYS_NOTHING}


def _first_text(meta: Mapping, quantity: str) -> HeaderValue | None:
    return next((HeaderValue(text, keyword) for keyword, text in texts(meta, quantity).items()), None)


def _in_beam(meta: Mapping, quantity: str) -> HeaderValue | None:
    """The names under all keywords of a quantity without open positions, each once, and their keywords."""
    found = texts(meta, quantity)
    if not found:
        return None
    names: dict[str, str] = {}
    for keyword, text in found.items():
        for name in filter(None, map(str.strip, re.split(r"[,;|]", text))):
            if not _OPEN.fullmatch(_bare(name)):
                names.setdefault(name, keyword)
    return HeaderValue(tuple(names), ", ".join(dict.fromkeys(names.values())) or next(iter(found)))


def _as_text(value: Any) -> str:
    """A value as text without blanks around it; a float without the digits in which settings scatter."""
    return f"{value:.4g}" if isinstance(value, float) else str(value).strip()


def _bare(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())


def readout_mode(meta: Mapping) -> HeaderValue | None:
    """The name of the read-out mode or speed."""
    return _text(meta, "readout mode")


def binning(meta: Mapping) -> HeaderValue | None:
    """The binning factors along x and y, two int."""
    for entry in _entries(meta, "binning"):
        words = entry.value if isinstance(entry.value, str) else f"{_number(entry.value):.0f}"
        factors = [int(factor) for factor in _FACTOR.findall(words)]
        if len(factors) in (1, 2):
            return HeaderValue((factors[0], factors[-1]), entry.keyword)
    x, y = _factor(meta, "binning in x"), _factor(meta, "binning in y")
    if x is None:
        return y and HeaderValue((y.value,) * 2, y.keyword)
    return HeaderValue((x.value, x.value if y is None else y.value), x.keyword)


def _factor(meta: Mapping, quantity: str) -> HeaderValue | None:
    found = _positive_number(meta, quantity)
    return HeaderValue(int(found.value), found.keyword) if found and 1 <= found.value < 1000 else None


def _quantity(meta: Mapping, quantity: str, unit: u.Unit) -> HeaderValue | None:
    found = _positive_number(meta, quantity)
    return found and HeaderValue(found.value * unit, found.keyword)


def _positive_number(meta: Mapping, quantity: str) -> HeaderValue | None:
    for entry in _entries(meta, quantity):
        number = _number(entry.value)
        if math.isfinite(number) and number > 0:
            return HeaderValue(number, entry.keyword)
    return None


def _first_number(meta: Mapping, quantity: str) -> HeaderValue | None:
    """The first finite number of a quantity, 0 and below included."""
    for entry in _entries(meta, quantity):
        number = _number(entry.value)
        if math.isfinite(number):
            return HeaderValue(number, entry.keyword)
    return None


def _text(meta: Mapping, quantity: str) -> HeaderValue | None:
    """The first value of a quantity that is not blank, as text without blanks around it."""
    for entry in _entries(meta, quantity):
        text = str(entry.value).strip()
        if text:
            return HeaderValue(text, entry.keyword)
    return None


def _number(value: Any) -> float:
    """The value as a float, NaN if it is not a number."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _entries(meta: Mapping, quantity: str) -> Iterator[HeaderValue]:
    """The values of a quantity, the most reliable first."""
    return _present(meta, KEYWORDS[quantity])


def _present(meta: Mapping, keywords: Sequence[str]) -> Iterator[HeaderValue]:
    """The readable values of some keywords, in the order of these; a plain mapping may have them in lower case."""
    if not isinstance(meta, Header | FrameHeader):
        meta = {str(key).upper(): value for key, value in meta.items()}
    for keyword in keywords:
        if keyword in meta:
            try:
                value = meta[keyword]
            except VerifyError:
                continue
            value = value[0] if isinstance(value, tuple) and value else value
            if value is not None:
                yield HeaderValue(value, keyword)
