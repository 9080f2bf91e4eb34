# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The header cards and the history that describe what was done to a frame."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, MutableMapping
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData

from ccdproc_crplugin.frames.flags import PixelFlag, flags_of, is_flagged
from ccdproc_crplugin.frames.gain_and_noise import Electronics, in_words, source_in_words
from ccdproc_crplugin.frames.mosaic import NO_COLOURS, Mosaic
from ccdproc_crplugin.frames.rates import (
    NOISE_CARD,
    Expectation,
    Extent,
    expected_in,
    extent_of,
    searched_share,
    verdict_with_reason,
)
from ccdproc_crplugin.frames.removed import RemovedPixels
from ccdproc_crplugin.frames.sections import read_pairs
from ccdproc_crplugin.frames.tracks import count_tracks
from ccdproc_crplugin.kernels.noise_events import NOISE_EVENTS, PIXEL_LIMIT

#: The cards that a cleaning writes, and their comments.
CARDS = {
    "CRDETECT": "detector of cosmic rays",
    "CRVERSN": "version of ccdproc_crplugin",
    "CRNPIX": "pixels hit by cosmic rays",
    "CRNEVENT": "cosmic-ray events (8-connected)",
    "CRNTRACK": "tracks: events, pieces of one counted once",
    "CRBYHAND": "pixels added by hand",
    "CRNHOT": "events on hot pixels, put back",
    "CREXPLO": "fewest events to expect",
    "CREXPHI": "most events to expect",
    "CRVERDCT": "plausible?",
    "CRGAIN": "[electron/adu] gain",
    "CRGAINS": "[electron/adu] gain of each amplifier",
    "CRRDNOIS": "[electron] read noise",
    "CRSATUR": "[electron] saturation level",
    "CRPREFLT": "preflight: checks that were not ok",
    "CRREPAIR": "repair of the pixels hit",
    "CRBUNIT": "BUNIT before the cleaning",
    "CRFLAGS": "flags beside those of every frame",
    "CRMOSAIC": "colours of the first 2 x 2 pixels, by plane",
    "CRSIGCLP": "Laplacian-to-noise limit",
    "CRSIGPIX": "limit on the brightest pixel of an event",
    "CRSIGFRC": "share of the limit for neighbours",
    "CROBJLIM": "contrast to the fine structure",
    "CRNITER": "most iterations",
    "CRNNOISE": "events expected from noise alone",
}

#: Significant digits of the figures in cards; digits beyond these are rounding errors.
DIGITS = 10

#: The card of the settings of a run, and the card of a result that was changed by hand after the run.
SETTINGS_CARD, EDITED_CARD = "CRSETTNG", "CREDITED"

#: Parameters of detectors that have their own card.
PARAMETER_CARDS = {"sigclip": "CRSIGCLP", "sigfrac": "CRSIGFRC", "objlim": "CROBJLIM", "niter": "CRNITER"}

#: What a detector says of noise, and the card of each.
NOISE_CARDS = {PIXEL_LIMIT: "CRSIGPIX", NOISE_EVENTS: NOISE_CARD}


def write_cards(
    meta: MutableMapping,
    detector: str,
    electronics: Electronics,
    repair: str | None,
    parameters: Mapping[str, Any],
    mosaic: Mosaic = NO_COLOURS,
) -> None:
    """Write the detector, the electronics, the repair, the mosaic and the detector's parameters in force."""
    set_card(meta, "CRDETECT", detector)
    set_card(meta, "CRVERSN", _release())
    gain, readnoise = electronics.gain, electronics.readnoise
    set_card(meta, "CRGAIN", electronics.median_gain, source_in_words(gain, electronics.gain_source))
    set_card(meta, "CRRDNOIS", electronics.median_readnoise, source_in_words(readnoise, electronics.readnoise_source))
    by_amplifier = in_words(gain)
    if isinstance(by_amplifier, str):
        set_card(meta, "CRGAINS", by_amplifier)
    if math.isfinite(electronics.saturation):
        set_card(meta, "CRSATUR", electronics.saturation, electronics.saturation_source)
    set_card(meta, "CRREPAIR", repair or "none")
    if mosaic.pattern is not None:
        set_card(meta, "CRMOSAIC", mosaic.pattern, mosaic.source)
    for name, card in (PARAMETER_CARDS | NOISE_CARDS).items():
        if isinstance(parameters.get(name), numbers.Real | str):
            set_card(meta, card, parameters[name])


def write_flag_names(meta: MutableMapping, bits: Mapping[str, int]) -> None:
    """Write the names and bits of the flags that a detector set beside those of every frame."""
    if bits:
        set_card(meta, "CRFLAGS", ", ".join(f"{name}={bit}" for name, bit in bits.items()))


def gain_in_force(ccd: CCDData) -> Any:
    """The gain with which a frame was cleaned, by amplifier if so, as `electronics_of` takes it; None if unknown."""
    if ccd.unit is not None and ccd.unit.is_equivalent(u.electron):
        return None
    return read_pairs(ccd.meta.get("CRGAINS")) or ccd.meta.get("CRGAIN")


def write_events(ccd: CCDData, record: RemovedPixels, header: Mapping | None = None) -> None:
    """Write how many pixels, events, tracks and pixels added by hand there are, and the verdict; ``header`` is read."""
    set_card(ccd.meta, "CRNPIX", len(record))
    set_card(ccd.meta, "CRNEVENT", record.n_events)
    n_tracks = count_tracks(record, ccd.data.shape, flags_of(ccd))
    set_card(ccd.meta, "CRNTRACK", n_tracks)
    if record.added.any():
        set_card(ccd.meta, "CRBYHAND", int(record.added.sum()))
    else:
        ccd.meta.pop("CRBYHAND", None)
    expectation = expected_in(ccd, ccd.meta if header is None else header)
    extent = extent_of(record.y, record.x, record.label, ccd.data.shape, saturated_pixels(ccd))
    extent = replace(extent, searched=searched_share(flags_of(ccd)))
    write_verdict(ccd.meta, n_tracks, expectation, extent)


def saturated_pixels(ccd: CCDData) -> np.ndarray | None:
    """The saturated pixels of a cleaned frame by its flags, bool (ny, nx); None without flags of ours."""
    flags = flags_of(ccd)
    return None if flags is None else is_flagged(flags, PixelFlag.SATURATED)


def write_edited(meta: MutableMapping) -> None:
    """Mark the result of a run as changed by hand; a frame that is not from a run is left alone."""
    if SETTINGS_CARD in meta:
        meta[EDITED_CARD] = True
        if isinstance(meta, fits.Header):
            meta.comments[EDITED_CARD] = "changed by hand since the run"


def write_verdict(meta: MutableMapping, n_tracks: int, expectation: Expectation, extent: Extent | None = None) -> None:
    """Write how many particles are expected, and the verdict on the tracks found with its reason."""
    if expectation.low is not None:
        set_card(meta, "CREXPLO", expectation.low)
        set_card(meta, "CREXPHI", expectation.high)
    set_card(meta, "CRVERDCT", *verdict_with_reason(n_tracks, expectation, extent))


def read_verdict(meta: Mapping) -> tuple[str, str]:
    """The verdict in a header, and its reason (such as "no pixel size"); "" for what it does not have."""
    verdict = str(meta.get("CRVERDCT", "")).strip()
    comment = meta.comments["CRVERDCT"] if verdict and isinstance(meta, fits.Header) else ""
    return verdict, comment.partition("(")[2].removesuffix(")")


def write_history(meta: MutableMapping, action: str, parameters: Mapping[str, Any], outcome: str) -> None:
    """Add a function call with all its parameters, and its outcome, to the history."""
    arguments = ", ".join(f"{name}={_text(value)}" for name, value in parameters.items())
    add_history(meta, f"{action}({arguments}): {outcome}")


def add_history(meta: MutableMapping, text: str) -> None:
    """Add one entry to the history; a plain dict holds the entries in one text, separated by semicolons."""
    entry = _ascii(f"ccdproc_crplugin {_release()}: {text}")
    if isinstance(meta, fits.Header):
        meta.add_history(entry)
    else:
        earlier = meta.get("HISTORY")
        meta["HISTORY"] = f"{earlier}; {entry}" if earlier else entry


def clear_cards(meta: MutableMapping) -> None:
    """Remove the cards of a cleaning; the history stays."""
    for card in CARDS:
        meta.pop(card, None)


def set_card(meta: MutableMapping, card: str, value: Any, source: str = "") -> None:
    """Write one of `CARDS`; its comment names the source of the value, if there is one."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        value = _ascii(value)
    if isinstance(value, float):
        value = float(f"{value:.{DIGITS}g}")
    if isinstance(meta, fits.Header):
        comment = f"{CARDS[card]} ({source})" if source else CARDS[card]
        meta[card] = (value, _ascii(comment))
    else:
        meta[card] = value


@cache
def _release() -> str:
    """The version of this package; looking it up takes longer than writing all cards."""
    return version("ccdproc_crplugin")


def _text(value: Any) -> str:
    """A parameter in the history: arrays by dtype and shape only."""
    if isinstance(value, u.Quantity) and value.isscalar:
        return str(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<{value.dtype} array {'x'.join(map(str, value.shape))}>"
    value = value.item() if isinstance(value, np.generic) else value
    return repr(value)


def _ascii(text: str) -> str:
    """The text with "?" for each character that a FITS card can't hold."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
