# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A combined calibration frame, and the cards and extensions of its file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.table import Table

from ccdproc_crplugin.calibration.key import CalibrationKey, calibration_key, exposure_of
from ccdproc_crplugin.calibration.settings import CombineSettings
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.entries import GIVEN, entries
from ccdproc_crplugin.frames.records import corrections
from ccdproc_crplugin.io.ccd import read_header, write_hdus
from ccdproc_crplugin.io.hdus import N_FRAMES
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.kernels.combine import Combined

#: A card that only combined frames have.
COMBINED = "CRCOMBIN"

#: The extension with the table of the inputs.
INPUTS = "CRINPUTS"

#: The card that says what each flat was multiplied with.
SCALE = "CRSCALE"

#: The card with the section from which the level of each flat was taken.
STATISTICS_SECTION = "CRSTATSC"

#: The card with the HDU of the frames that a combined frame is made of, in files of several.
HDU = "CRHDU"

#: Cards that describe a file or a place in the sky, not the observation.
NOT_COMMON = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|GROUPS|BSCALE|BZERO|BLANK|BUNIT|CHECKSUM|DATASUM|INHERIT"
    r"|EXTNAME|EXTVER|EXTLEVEL|COMMENT|HISTORY||Z(IMAGE|TENSION|BITPIX|NAXIS\d*|CMPTYPE|TILE\d+|QUANTIZ|SCALE|ZERO)"
    r"|WCSAXES|WCSNAME|C(TYPE|UNIT|RVAL|RPIX|DELT|ROTA)\d[A-Z]?|(CD|PC|PV)\d+_\d+[A-Z]?|(LON|LAT)POLE|RADE(SYS|CSYS)"
    r"|EQUINOX|(A|B|AP|BP)_(ORDER|\d_\d)"
)


@dataclass(frozen=True)
class CombinedFrame:
    """A combined frame in its file."""

    path: Path
    key: CalibrationKey
    exposure: float | None  # s
    unit: u.Unit
    shape: tuple[int, int]
    has_bias: bool  # whether the bias is still in it
    hdu: int | None = None  # the HDU of its inputs in files of several frames, None if they have one

    @classmethod
    def of_file(cls, path: Path, key_of: Callable[[Mapping], CalibrationKey] = calibration_key) -> CombinedFrame:
        """Read the header of a file that `write_combined` wrote; ``key_of`` returns the key that it contains."""
        meta = read_header(path)
        if COMBINED not in meta:
            raise CosmicRayError(
                f"Found no card {COMBINED} in {str(path)!r}; expected a frame that combine_calibrations wrote."
            )
        return cls(
            path,
            key_of(meta),
            exposure_of(meta),
            u.Unit(meta["BUNIT"]),
            (meta["NAXIS2"], meta["NAXIS1"]),
            has_bias="CRBIAS" not in meta and "bias" not in corrections(meta),
            hdu=meta.get(HDU),
        )

    def read(self) -> np.ndarray:
        """Read the image, float32."""
        with open_hdus(self.path) as hdus:
            return hdus[0].data.astype(np.float32)


#: What the combined frame has in common with those of its inputs that know it, so that its header says it.
GROUPED = (
    "filter",
    "disperser",
    "slit",
    "central_wavelength",
    "camera",
    "detector",
    "amplifier",
    "gain",
    "gain_setting",
    "offset",
    "bit_depth",
    "binning",
    "binning_in_x",
    "binning_in_y",
    "readout_mode",
)


def combined_header(headers: Sequence[fits.Header], key: CalibrationKey) -> fits.Header:
    """The cards that all inputs have with the same value, and the kind, exposure and temperature of the key."""
    first = headers[0]
    common, added = fits.Header(), set[str]()
    values = [_readable(meta) for meta in headers]
    for card in first.cards:
        keyword = card.keyword
        if not NOT_COMMON.fullmatch(keyword) and keyword not in added and _same(values, keyword):
            added.add(keyword)
            common.append(card)
    _add_grouped(common, headers, values, key)
    kinds = [keyword for keyword in header.keywords("kind", first) if keyword in values[0]]
    common.extend([(keyword, values[0][keyword]) for keyword in kinds if keyword not in common])
    if header.frame_kind(common) != key.kind:
        for keyword in header.keywords("kind", first):
            common.remove(keyword, ignore_missing=True)
        common[header.QUANTITIES["kind"]] = (key.kind, GIVEN)
    temperature, exposure = header.temperature(first), header.exposure(first)
    if temperature is not None and temperature.keyword not in common:
        common[temperature.keyword] = (key.temperature, "[deg C] mean of the inputs")
    if exposure is not None and key.exposure is not None and exposure.keyword not in common:
        common[exposure.keyword] = (key.exposure, "[s] of each input")
    return common


def _readable(meta: fits.Header) -> dict[str, Any]:
    """The values of a header by keyword, the first of each; cards that can't be read are left out."""
    values: dict[str, Any] = {}
    for card in meta.cards:
        try:
            card.verify("silentfix")
            values.setdefault(card.keyword, card.value)
        except fits.VerifyError:
            continue
    return values


def _same(values: Sequence[Mapping[str, Any]], keyword: str) -> bool:
    """Whether all headers have a card with the same value."""
    there = [of_header[keyword] for of_header in values if keyword in of_header]
    return len(there) == len(values) and _all_equal(there)


def _all_equal(values: Sequence[Any]) -> bool:
    return all(type(value) is type(values[0]) and value == values[0] for value in values)


def _add_grouped(
    common: fits.Header, headers: Sequence[fits.Header], values: Sequence[Mapping[str, Any]], key: CalibrationKey
) -> None:
    """Add cards that tell groups apart and that some inputs lack, or that scatter as a central wavelength does."""
    cards = [header.read_header(meta) for meta in headers]
    for quantity in GROUPED:
        for keyword in dict.fromkeys(entry.keyword for of_header in cards for entry in entries(of_header, quantity)):
            _add_common(common, headers, values, keyword, scatters=quantity == "central_wavelength")
    for keyword, _ in key.more:
        _add_common(common, headers, values, keyword)


def _add_common(
    common: fits.Header,
    headers: Sequence[fits.Header],
    values: Sequence[Mapping[str, Any]],
    keyword: str,
    *,
    scatters: bool = False,
) -> None:
    """Add a card in which those headers agree that have it."""
    there = [meta for meta, of_header in zip(headers, values, strict=True) if keyword in of_header]
    known = [of_header[keyword] for of_header in values if keyword in of_header]
    if known and keyword not in common and (scatters or _all_equal(known)):
        common.append(there[0].cards[keyword])


def write_combined(
    path: Path,
    combined: Combined,
    meta: fits.Header,
    *,
    unit: u.Unit,
    inputs: Table,
    masters: dict[str, CombinedFrame],
    settings: CombineSettings,
    hdu: int | None = None,
) -> Path:
    """Write a combined frame, with a row of ``inputs`` for each input; ``masters`` were subtracted from them."""
    inputs = inputs.copy()
    inputs["file"] = [_as_ascii(name) for name in inputs["file"]]
    _write_cards(meta, inputs, settings, masters)
    if hdu is not None:
        meta[HDU] = (hdu, "HDU of the inputs")
    nothing = combined.n_used == 0
    ccd = CCDData(
        combined.image,
        unit=unit,
        mask=nothing if nothing.any() else None,
        uncertainty=StdDevUncertainty(combined.uncertainty, copy=False),
        meta=meta,
    )
    hdus = ccd.to_hdu()
    hdus.append(fits.ImageHDU(combined.n_used.astype(np.min_scalar_type(len(inputs))), name=N_FRAMES))
    hdus.append(fits.table_to_hdu(inputs))
    hdus[-1].name = INPUTS
    return write_hdus(hdus, path, settings.overwrite)


def _write_cards(
    meta: fits.Header, inputs: Table, settings: CombineSettings, masters: dict[str, CombinedFrame]
) -> None:
    meta["NCOMBINE"] = (len(inputs), "frames combined")
    meta[COMBINED] = (settings.method, "how frames were combined")
    meta["CRVERSN"] = (version("ccdproc_crplugin"), "version of ccdproc_crplugin")
    if settings.method == "average":
        meta["CRSIGLOW"] = (_card_value(settings.sigma_low), "clipped so many deviations below the median")
        meta["CRSIGHI"] = (_card_value(settings.sigma_high), "clipped so many deviations above the median")
        meta["CRITER"] = (settings.n_iterations, "passes of the clipping at most")
        meta["CRNREJ"] = (int(inputs["n_rejected"].sum()), "pixels clipped, summed over the inputs")
    if "scale" in inputs.colnames:
        meta[SCALE] = ("inverse median", "what each input was multiplied with")
        if settings.statistics_section is not None:
            meta[STATISTICS_SECTION] = (settings.statistics_section, "where that median was taken")
    for kind, master in masters.items():
        meta[f"CR{kind.upper()}"] = (_as_ascii(master.path.name), f"{kind} that was subtracted from each input")
    # The names that IRAF gives the cards; beyond 999 the table alone has room.
    for number, name in enumerate(inputs["file"][:999], start=1):
        meta[f"IMCMB{number:03d}"] = name


def _card_value(number: float) -> float | str:
    """A number, or text for infinity, which a FITS header can't hold."""
    return number if math.isfinite(number) else str(number)


def _as_ascii(name: str) -> str:
    """The name of a file with characters that a FITS header can't hold spelled as escapes."""
    return (
        "".join(char if " " <= char <= "~" else repr(char)[1:-1] for char in name)
        .encode("ascii", "backslashreplace")
        .decode("ascii")
    )
