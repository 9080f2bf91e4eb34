# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Headers as different cameras and programs write them.

A dialect is a function that returns the cards of an `Exposure`; a new one is an entry in `DIALECTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from astropy.io import fits
from astropy.time import Time

from ccdproc_crplugin.errors import check_choice

#: Values, or values with comments, by keyword.
Cards = dict[str, Any]


@dataclass(frozen=True)
class Exposure:
    """The facts about a frame that its header states."""

    kind: str
    seconds: float
    gain: float  # electron/adu
    readnoise: float  # electron
    pixel_size: float  # micron
    saturation: float  # adu
    filter: str = "V"
    date: str = "2024-01-15T04:00:00"
    object: str = "simulated field"


def _plain(exposure: Exposure) -> Cards:
    return {
        "OBJECT": exposure.object,
        "IMAGETYP": exposure.kind.upper(),
        "EXPTIME": (exposure.seconds, "[s]"),
        "DARKTIME": (exposure.seconds, "[s]"),
        "FILTER": exposure.filter,
        "DATE-OBS": exposure.date,
        "GAIN": (exposure.gain, "[electron/adu]"),
        "RDNOISE": (exposure.readnoise, "[electron]"),
        "SATURATE": (exposure.saturation, "[adu]"),
    }


def _iraf(exposure: Exposure) -> Cards:
    kinds = {"bias": "zero", "dark": "dark", "flat": "flat", "light": "object"}
    return {**_plain(exposure), "IMAGETYP": kinds[exposure.kind]}


def _maximdl(exposure: Exposure) -> Cards:
    kinds = {"bias": "Bias Frame", "dark": "Dark Frame", "flat": "Flat Field", "light": "Light Frame"}
    return {
        "OBJECT": exposure.object,
        "IMAGETYP": kinds[exposure.kind],
        "EXPTIME": (exposure.seconds, "[s]"),
        "EXPOSURE": (exposure.seconds, "[s]"),
        "FILTER": exposure.filter,
        "DATE-OBS": exposure.date,
        "EGAIN": (exposure.gain, "[electron/adu]"),
        "XPIXSZ": (exposure.pixel_size, "[um]"),
        "YPIXSZ": (exposure.pixel_size, "[um]"),
        "XBINNING": 1,
        "YBINNING": 1,
        "CCD-TEMP": (-20.0, "[deg C]"),
        "SWCREATE": "MaxIm DL Version 6.20",
    }


def _ing(exposure: Exposure) -> Cards:
    kinds = {"bias": "zero", "dark": "dark", "flat": "flat", "light": "object"}
    types = {"bias": "BIAS", "dark": "DARK", "flat": "FLAT", "light": "TARGET"}
    return {
        "OBJECT": exposure.object,
        "OBSTYPE": types[exposure.kind],
        "IMAGETYP": kinds[exposure.kind],
        "EXPTIME": (exposure.seconds, "[s]"),
        "DATE-OBS": exposure.date.partition("T")[0],
        "UTSTART": exposure.date.partition("T")[2],
        "OBSERVAT": "LAPALMA",
        "HEIGHT": (2344.0, "[m]"),
        "GAIN": (exposure.gain, "[electron/adu]"),
        "READNOIS": (exposure.readnoise, "[electron]"),
        "CCDXPIXE": (exposure.pixel_size * 1e-6, "[m]"),
        "CCDYPIXE": (exposure.pixel_size * 1e-6, "[m]"),
        "CCDTEMP": (157.0, "[K]"),
    }


def _eso(exposure: Exposure) -> Cards:
    types = {"bias": "BIAS", "dark": "DARK", "flat": "FLAT,SKY", "light": "OBJECT"}
    return {
        "OBJECT": exposure.object,
        "EXPTIME": (exposure.seconds, "[s]"),
        "DATE-OBS": exposure.date,
        "HIERARCH ESO DPR TYPE": types[exposure.kind],
        "HIERARCH ESO DET OUT1 CONAD": (exposure.gain, "[electron/adu]"),
        "HIERARCH ESO DET OUT1 RON": (exposure.readnoise, "[electron]"),
        "HIERARCH ESO DET CHIP1 PSZX": (exposure.pixel_size, "[um]"),
        "HIERARCH ESO INS FILT1 NAME": exposure.filter,
    }


def _nina(exposure: Exposure) -> Cards:
    # GAIN here is the camera's setting, a number without a unit: electrons per ADU stand in EGAIN.
    return {
        "OBJECT": exposure.object,
        "IMAGETYP": exposure.kind.upper(),
        "EXPTIME": (exposure.seconds, "[s]"),
        "EXPOSURE": (exposure.seconds, "[s]"),
        "FILTER": exposure.filter,
        "DATE-OBS": exposure.date,
        "GAIN": 100,
        "OFFSET": 50,
        "EGAIN": (exposure.gain, "[electron/adu]"),
        "XPIXSZ": (exposure.pixel_size, "[um]"),
        "YPIXSZ": (exposure.pixel_size, "[um]"),
        "CCD-TEMP": (-10.0, "[deg C]"),
        "SWCREATE": "N.I.N.A. 2.0.0.0",
    }


DIALECTS: dict[str, Callable[[Exposure], Cards]] = {
    "plain": _plain,
    "iraf": _iraf,
    "maximdl": _maximdl,
    "ing": _ing,
    "eso": _eso,
    "nina": _nina,
}


def make_header(exposure: Exposure, dialect: str) -> fits.Header:
    """The header of a frame in one of `DIALECTS`."""
    check_choice("dialect", dialect, sorted(DIALECTS))
    header = fits.Header()
    for keyword, card in DIALECTS[dialect](exposure).items():
        header[keyword] = card
    # Without it every reader of a WCS would derive it from DATE-OBS, with a warning.
    header["MJD-OBS"] = (round(Time(exposure.date).mjd, 8), "[d]")
    return header
