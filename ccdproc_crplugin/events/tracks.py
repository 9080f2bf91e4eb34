# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The tracks of particles: how long they are, how steep, and how much energy is lost on them.

A muon crosses the whole thickness of the silicon on a straight way. The length of its track on the face of the chip,
the pixel size and the thickness give the angle of its way from the normal and its length, and with the charge the
energy that it loses for each micron: about 390 eV on average if it ionises least, but less in most cases [1]_.

References
----------
.. [1] S. Navas et al. (Particle Data Group), Phys. Rev. D 110, 030001 (2024), chapter "Passage of particles through
   matter".
.. [2] C. Canali et al., IEEE Trans. Nucl. Sci. 19, 9 (1972): energy of a pair of electron and hole in silicon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData
from astropy.table import QTable

from ccdproc_crplugin.errors import wrong_value
from ccdproc_crplugin.events.source import EventSource
from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.rates import binned_pixel
from ccdproc_crplugin.kernels.pixels import true_pixels
from ccdproc_crplugin.kernels.shapes import Shapes, ends

#: Energy that sets an electron free: 2.15 x band gap + 1.21 eV [2]_, within 1 % from 150 K to 300 K.
PAIR_ENERGY = 3.66 * u.eV / u.electron

#: The length of shorter tracks (pix) is too uncertain for their angle: that of their pixels is off by half a pixel.
LEAST_LENGTH = 4

#: Least length over width of a straight track.
STRAIGHT = 2.5

#: How far behind the last pixel of a track (pix) a bad pixel, or the edge, may hide the rest of it.
BEHIND = (1, 2)

#: Descriptions and formats of the columns, which are written with the table.
COLUMNS = {
    "track": ("label of the first piece of its track", ""),
    "track_length": ("length of its track, between the middles of the outermost pixels", ".1f"),
    "chip_length": ("length of its track on the face of the chip", ".1f"),
    "zenith_angle": ("angle between the way of the particle and the normal of the chip", ".1f"),
    "path_length": ("length of the way through the silicon", ".1f"),
    "energy_loss": ("energy lost for each micron of the way", ".0f"),
}


@dataclass(frozen=True)
class Silicon:
    """What is known of a chip, in microns; None for what is not."""

    pixel_size: float | None = None
    thickness: float | None = None


UNKNOWN = Silicon()


def silicon_of(ccd: CCDData, pixel_size: Any = None, thickness: Any = None) -> Silicon:
    """The silicon of a frame; a pixel size that is not given is that of the header if its pixels are square."""
    return Silicon(
        _square_pixel(ccd) if pixel_size is None else _microns("pixel_size", pixel_size),
        None if thickness is None else _microns("thickness", thickness),
    )


def _square_pixel(ccd: CCDData) -> float | None:
    size, binning = binned_pixel(ccd.meta), header.binning(ccd.meta)
    if size is None or (binning is not None and len(set(binning.value)) > 1):
        return None
    return size.value.to_value(u.micron)


def _microns(name: str, value: Any) -> float:
    try:
        microns = u.Quantity(value, u.micron, dtype=float)
    except (TypeError, ValueError, u.UnitConversionError) as err:
        raise wrong_value(name, value, "a number or a Quantity in micron") from err
    if not microns.isscalar or not np.isfinite(microns) or microns <= 0:
        raise wrong_value(name, value, "one number in micron, above 0")
    return float(microns.value)


def add_track_columns(
    table: QTable, tracks: np.ndarray, labels: np.ndarray, charge: np.ndarray, source: EventSource, silicon: Silicon
) -> None:
    """Add what is known of the track of each event to their table: see `COLUMNS`."""
    table["track"] = tracks
    y, x = true_pixels(labels > 0)
    group = np.unique(tracks, return_inverse=True)[1]
    track = _measure(y, x, group[labels[y, x] - 1], charge[y, x], source)
    columns = {"track_length": track.length * u.pix}
    if silicon.pixel_size is not None:
        microns = track.length * silicon.pixel_size
        columns["chip_length"] = microns * u.micron
        if silicon.thickness is not None:
            path = np.where(track.is_whole, np.hypot(microns, silicon.thickness), np.nan)
            columns["zenith_angle"] = np.degrees(np.arccos(silicon.thickness / path)) * u.deg
            columns["path_length"] = path * u.micron
            if source.unit == u.electron:
                energy = track.charge * u.electron * PAIR_ENERGY
                columns["energy_loss"] = (energy / (path * track.flagged * u.micron)).to(u.eV / u.micron)
    for name, values in columns.items():
        table[name] = values[group]
    for name in {"track", *columns}:
        table[name].info.description, form = COLUMNS[name]
        if form:
            table[name].info.format = form


@dataclass(frozen=True, eq=False)
class _Tracks:
    """What is measured of tracks; arrays (n_tracks,)."""

    length: np.ndarray  # pix
    charge: np.ndarray
    flagged: np.ndarray  # share of the length that is flagged
    is_whole: np.ndarray  # whether it is a straight track of which both ends are seen


def _measure(y: np.ndarray, x: np.ndarray, track: np.ndarray, charge: np.ndarray, source: EventSource) -> _Tracks:
    """Measure tracks by their pixels and the track of each, from 0."""
    shapes = Shapes.of(y, x, charge, track, int(track.max(initial=-1)) + 1)
    axis, centre, width = shapes.axis, shapes.centre, shapes.bar[1]
    first, last = ends(shapes, y, x, track)
    length = last - first
    is_whole = (length >= LEAST_LENGTH) & (length + 1 >= STRAIGHT * width)
    for end, outward in ((first, -1), (last, 1)):
        for step in BEHIND:
            is_whole &= ~_is_hidden(centre + axis * (end + outward * step), is_whole, source.bad)
    return _Tracks(length, shapes.charge, _flagged_share(y, x, track, axis), is_whole)


def _is_hidden(places: np.ndarray, asked: np.ndarray, bad: np.ndarray) -> np.ndarray:
    """Whether places, (2, n), are bad pixels or lie outside the frame; False where that is not asked for."""
    hidden = np.zeros(len(asked), dtype=bool)
    columns, rows = np.rint(places[:, asked]).astype(int)
    inside = (rows >= 0) & (columns >= 0) & (rows < bad.shape[0]) & (columns < bad.shape[1])
    hidden[asked] = ~inside | bad[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    return hidden


def _flagged_share(y: np.ndarray, x: np.ndarray, track: np.ndarray, axis: np.ndarray) -> np.ndarray:
    """The share of the rows, or columns, along each track that has a flagged pixel."""
    is_steep = np.abs(axis[1]) > np.abs(axis[0])
    place = np.where(is_steep[track], y, x).astype(np.int64)
    n, size = axis.shape[1], place.max(initial=0) + 1
    where = np.unique(track * size + place)
    owner, place = where // size, where % size
    lowest, highest = np.full(n, size), np.full(n, -1)
    np.minimum.at(lowest, owner, place)
    np.maximum.at(highest, owner, place)
    return np.bincount(owner, minlength=n) / np.maximum(highest - lowest + 1, 1)
