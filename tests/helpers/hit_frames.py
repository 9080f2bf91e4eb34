# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames with known cosmic rays, and what the tests ask of them."""

import numpy as np
from astropy import units as u
from astropy.nddata import CCDData, StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin.kernels import engine

GAIN = 2.0 * u.electron / u.adu
READNOISE = 5.0 * u.electron

#: Where the cosmic rays of `hit_frame` are: two spots, and a track of six pixels.
HITS = [((10, 12), 3000), ((30, 40), 900), *(((20 + i, 25 + i), 1500) for i in range(6))]


def available_engines():
    try:
        engine("c")
    except crp.CosmicRayError:
        return ["numpy"]
    return ["c", "numpy"]


def hit_pixels(shape=(50, 60), seed=0, level=200.0):
    """A sky of ``level`` adu, with the noise of `GAIN` and `READNOISE` and the cosmic rays of `HITS`, float64."""
    noise = np.sqrt(level / GAIN.value + (READNOISE / GAIN).value ** 2)
    data = np.random.default_rng(seed).normal(level, noise, shape)
    for (y, x), charge in HITS:
        data[y, x] += charge
    return data


def hit_mask(shape=(50, 60)):
    mask = np.zeros(shape, dtype=bool)
    for (y, x), _ in HITS:
        mask[y, x] = True
    return mask


def hit_frame(dtype="float32", **keywords):
    """A frame in adu with the cosmic rays of `HITS`."""
    data = hit_pixels()
    if np.dtype(dtype).kind in "iu":
        data = data.round()
    return CCDData(data.astype(dtype), **{"unit": "adu", "meta": {"GAIN": 2.0, "RDNOISE": 5.0}, **keywords})


def same_bits(a, b):
    """Whether two arrays are the same in dtype, byte order and every bit."""
    return a.dtype == b.dtype and a.dtype.byteorder == b.dtype.byteorder and a.tobytes() == b.tobytes()


def rich_frame(dtype=">i2", uncertainty=StdDevUncertainty):
    """A frame with mask, uncertainty and flags."""
    ccd = hit_frame(dtype)
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[3, :7] = True
    ccd.uncertainty = uncertainty(np.full(ccd.shape, 0.7, dtype=np.float32))
    ccd.flags = np.arange(ccd.data.size, dtype=np.int32).reshape(ccd.shape)
    return ccd


def assert_same_frame(restored, ccd):
    """Data, unit, mask, flags and uncertainty are the same, bit for bit."""
    assert same_bits(restored.data, ccd.data)
    assert restored.unit == ccd.unit
    for name in ("mask", "flags"):
        before, after = getattr(ccd, name), getattr(restored, name)
        assert (after is None) if before is None else same_bits(np.asarray(after), np.asarray(before))
    if ccd.uncertainty is None:
        assert restored.uncertainty is None
    else:
        assert type(restored.uncertainty) is type(ccd.uncertainty)
        assert same_bits(restored.uncertainty.array, ccd.uncertainty.array)
