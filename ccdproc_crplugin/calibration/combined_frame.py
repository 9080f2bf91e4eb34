# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A combined calibration frame, and the cards and extensions of its file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.table import Table

from ccdproc_crplugin.calibration.grouping import CalibrationKey, calibration_key, exposure_of
from ccdproc_crplugin.calibration.settings import CombineSettings
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.io.ccd import read_header, write_hdus
from ccdproc_crplugin.io.hdus import N_FRAMES
from ccdproc_crplugin.io.opening import open_hdus
from ccdproc_crplugin.kernels.combine import Combined, CombineOptions

#: A card that only combined frames have.
COMBINED = "CRCOMBIN"

#: The extension with the table of the inputs.
INPUTS = "CRINPUTS"

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

    @classmethod
    def of_file(cls, path: Path) -> CombinedFrame:
        """Read the header of a file that `write_combined` wrote."""
        meta = read_header(path)
        if COMBINED not in meta:
            raise CosmicRayError(
                f"Found no card {COMBINED} in {str(path)!r}; expected a frame that combine_calibrations wrote."
            )
        return cls(
            path,
            calibration_key(meta),
            exposure_of(meta),
            u.Unit(meta["BUNIT"]),
            (meta["NAXIS2"], meta["NAXIS1"]),
            has_bias="CRBIAS" not in meta,
        )

    def read(self) -> np.ndarray:
        """Read the image, float32."""
        with open_hdus(self.path) as hdus:
            return hdus[0].data.astype(np.float32)


def combined_header(headers: Sequence[fits.Header], key: CalibrationKey) -> fits.Header:
    """The cards that all inputs have with the same value, and the kind, exposure and temperature of the key."""
    first = headers[0]
    common = fits.Header()
    for card in first.cards:
        keyword = card.keyword
        if not NOT_COMMON.fullmatch(keyword) and keyword not in common and _same(headers, keyword):
            common.append(card)
    for keyword in header.KEYWORDS["kind"]:
        if keyword in first and keyword not in common:
            common[keyword] = first[keyword]
    if header.frame_kind(common) != key.kind:
        for keyword in header.KEYWORDS["kind"]:
            common.remove(keyword, ignore_missing=True)
        common[header.KEYWORDS["kind"][0]] = (key.kind, "kind of the inputs, as told")
    temperature, exposure = header.temperature(first), header.exposure(first)
    if temperature is not None and temperature.keyword not in common:
        common[temperature.keyword] = (key.temperature, "[deg C] mean of the inputs")
    if exposure is not None and key.exposure is not None and exposure.keyword not in common:
        common[exposure.keyword] = (key.exposure, "[s] of each input")
    return common


def _same(headers: Sequence[fits.Header], keyword: str) -> bool:
    try:
        values = [meta[keyword] for meta in headers if keyword in meta]
        return len(values) == len(headers) and all(
            type(value) is type(values[0]) and value == values[0] for value in values
        )
    except fits.VerifyError:
        return False  # a card that is not readable


def write_combined(
    path: Path,
    combined: Combined,
    meta: fits.Header,
    *,
    unit: u.Unit,
    inputs: Table,
    masters: dict[str, CombinedFrame],
    settings: CombineSettings,
) -> Path:
    """Write a combined frame, with a row of ``inputs`` for each input; ``masters`` were subtracted from them."""
    inputs = inputs.copy()
    inputs["file"] = [_as_ascii(name) for name in inputs["file"]]
    _write_cards(meta, inputs, settings, masters)
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


def _write_cards(meta: fits.Header, inputs: Table, options: CombineOptions, masters: dict[str, CombinedFrame]) -> None:
    meta["NCOMBINE"] = (len(inputs), "frames combined")
    meta[COMBINED] = (options.method, "how frames were combined")
    meta["CRVERSN"] = (version("ccdproc_crplugin"), "version of ccdproc_crplugin")
    if options.method == "average":
        meta["CRSIGLOW"] = (_card_value(options.sigma_low), "clipped so many deviations below the median")
        meta["CRSIGHI"] = (_card_value(options.sigma_high), "clipped so many deviations above the median")
        meta["CRITER"] = (options.n_iterations, "passes of the clipping at most")
        meta["CRNREJ"] = (int(inputs["n_rejected"].sum()), "pixels clipped, summed over the inputs")
    if "scale" in inputs.colnames:
        meta["CRSCALE"] = ("inverse median", "what each input was multiplied with")
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
