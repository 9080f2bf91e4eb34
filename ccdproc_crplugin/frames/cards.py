# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the header of a cleaned frame says."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, MutableMapping
from importlib.metadata import version
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits

from ccdproc_crplugin.frames.gain_and_noise import Electronics
from ccdproc_crplugin.frames.rates import Expectation, judge
from ccdproc_crplugin.plugins.model import Finding

__all__ = [
    "CARDS",
    "EDITED_CARD",
    "SETTINGS_CARD",
    "clear_cards",
    "read_verdict",
    "write_by_hand",
    "write_cards",
    "write_counts",
    "write_edited",
    "write_findings",
    "write_history",
    "write_verdict",
]

#: The cards that a cleaning writes, and what each says.
CARDS = {
    "CRDETECT": "detector of cosmic rays",
    "CRVERSN": "version of ccdproc_crplugin",
    "CRNPIX": "pixels hit by cosmic rays",
    "CRNEVENT": "cosmic-ray events (8-connected)",
    "CRBYHAND": "pixels added by hand",
    "CREXPLO": "fewest events to expect",
    "CREXPHI": "most events to expect",
    "CRVERDCT": "plausible number?",
    "CRGAIN": "[electron/adu] gain",
    "CRRDNOIS": "[electron] read noise",
    "CRSATUR": "[electron] saturation level",
    "CRPREFLT": "preflight: checks that were not ok",
    "CRREPAIR": "repair of the pixels hit",
    "CRSIGCLP": "Laplacian-to-noise limit",
    "CRSIGFRC": "share of the limit for neighbours",
    "CROBJLIM": "contrast to the fine structure",
    "CRNITER": "most iterations",
}

#: Digits of the figures in cards: what the arithmetic of floats adds behind them means nothing.
DIGITS = 10

#: Card that tells the settings of a run, and the one of a result that was changed by hand since.
SETTINGS_CARD, EDITED_CARD = "CRSETTNG", "CREDITED"

#: Parameters of detectors that have a card of their own.
PARAMETER_CARDS = {"sigclip": "CRSIGCLP", "sigfrac": "CRSIGFRC", "objlim": "CROBJLIM", "niter": "CRNITER"}


def write_cards(
    meta: MutableMapping, detector: str, electronics: Electronics, repair: str | None, parameters: Mapping[str, Any]
) -> None:
    """Say in the header how a frame was cleaned."""
    _set(meta, "CRDETECT", detector)
    _set(meta, "CRVERSN", version("ccdproc_crplugin"))
    _set(meta, "CRGAIN", electronics.gain, electronics.gain_source)
    _set(meta, "CRRDNOIS", electronics.readnoise, electronics.readnoise_source)
    if math.isfinite(electronics.saturation):
        _set(meta, "CRSATUR", electronics.saturation, electronics.saturation_source)
    _set(meta, "CRREPAIR", repair or "none")
    for name, card in PARAMETER_CARDS.items():
        if isinstance(parameters.get(name), numbers.Real | str):
            _set(meta, card, parameters[name])


def write_counts(meta: MutableMapping, n_pixels: int, n_events: int) -> None:
    """Say in the header how many cosmic rays there are."""
    _set(meta, "CRNPIX", int(n_pixels))
    _set(meta, "CRNEVENT", int(n_events))


def write_by_hand(meta: MutableMapping, n_pixels: int) -> None:
    """Say in the header how many of the pixels hit a person added; nothing where nobody did."""
    if n_pixels:
        _set(meta, "CRBYHAND", n_pixels)
    else:
        meta.pop("CRBYHAND", None)


def write_edited(meta: MutableMapping) -> None:
    """Say in the header of a run's result that a person changed it since."""
    if SETTINGS_CARD in meta:
        meta[EDITED_CARD] = True
        if isinstance(meta, fits.Header):
            meta.comments[EDITED_CARD] = "changed by hand since the run"


def write_verdict(meta: MutableMapping, n_events: int, expectation: Expectation) -> None:
    """Say in the header how many events were to be expected."""
    if expectation.low is not None:
        _set(meta, "CREXPLO", expectation.low)
        _set(meta, "CREXPHI", expectation.high)
    lacking = "" if expectation.low is not None else ", ".join(f"no {name}" for name in expectation.needed)
    _set(meta, "CRVERDCT", judge(n_events, expectation), lacking)


def read_verdict(meta: Mapping) -> tuple[str, str]:
    """Whether a header calls its number of events plausible."""
    verdict = str(meta.get("CRVERDCT", "")).strip()
    comment = meta.comments["CRVERDCT"] if verdict and isinstance(meta, fits.Header) else ""
    return verdict, comment.partition("(")[2].removesuffix(")")


def write_findings(meta: MutableMapping, findings: Iterable[Finding] | None) -> None:
    """Say in the header what the preflight found: the checks in a card, their messages in the history."""
    if findings is None:
        return
    doubts = [finding for finding in findings if finding.status != "ok"]
    names = {
        status: ", ".join(dict.fromkeys(finding.check for finding in doubts if finding.status == status))
        for status in ("warn", "fail")
    }
    _set(meta, "CRPREFLT", "; ".join(f"{status}: {checks}" for status, checks in names.items() if checks) or "ok")
    for finding in doubts:
        _add_history(meta, f"preflight, {finding.status}: {finding.check}: {finding.message}")


def write_history(meta: MutableMapping, action: str, parameters: Mapping[str, Any], outcome: str) -> None:
    """Add one entry to the history of a frame."""
    arguments = ", ".join(f"{name}={_text(value)}" for name, value in parameters.items())
    _add_history(meta, f"{action}({arguments}): {outcome}")


def _add_history(meta: MutableMapping, text: str) -> None:
    entry = _ascii(f"ccdproc_crplugin {version('ccdproc_crplugin')}: {text}")
    if isinstance(meta, fits.Header):
        meta.add_history(entry)
    else:
        earlier = meta.get("HISTORY")
        meta["HISTORY"] = f"{earlier}; {entry}" if earlier else entry


def clear_cards(meta: MutableMapping) -> None:
    """Take away what says that a frame is cleaned; its history stays."""
    for card in CARDS:
        meta.pop(card, None)


def _set(meta: MutableMapping, card: str, value: Any, source: str = "") -> None:
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


def _text(value: Any) -> str:
    """A parameter in a word; arrays by shape and dtype."""
    if isinstance(value, u.Quantity) and value.isscalar:
        return str(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return f"<{value.dtype} array {'x'.join(map(str, value.shape))}>"
    value = value.item() if isinstance(value, np.generic) else value
    return repr(value)


def _ascii(text: str) -> str:
    """Text that a FITS card can hold."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)
