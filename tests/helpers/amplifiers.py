# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A frame that four amplifiers read out, each with its own gain and read noise."""

import numpy as np
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.simulate.camera import Camera

SIDE = 200

#: Of the amplifiers at the lower left, the lower right, the upper left and the upper right.
GAINS, READNOISES = (1.2, 2.4, 0.8, 1.6), (3.0, 15.0, 6.0, 10.0)

QUARTERS = [np.s_[y : y + SIDE, x : x + SIDE] for y in (0, SIDE) for x in (0, SIDE)]


def by_section(values):
    """The values of the quarters by section."""
    sections = [f"[{x + 1}:{x + SIDE}, {y + 1}:{y + SIDE}]" for y in (0, SIDE) for x in (0, SIDE)]
    return dict(zip(sections, values, strict=True))


def by_pixel(values):
    """The values of the quarters as an array."""
    return joined([np.full((SIDE, SIDE), value) for value in values])


def joined(quarters):
    lower_left, lower_right, upper_left, upper_right = quarters
    return np.block([[lower_left, lower_right], [upper_left, upper_right]])


def four_amplifiers(sky=30.0, seed=0, **meta):
    """A frame in adu, and where the charge of cosmic rays is."""
    frames = [
        crp.simulate_frame(
            (SIDE, SIDE),
            sky=sky,
            camera=Camera(gain=gain, readnoise=readnoise),
            unit="adu",
            seed=(seed, number),
            n_stars=15,
            n_muons=8,
            n_worms=5,
            n_spots=8,
        )
        for number, (gain, readnoise) in enumerate(zip(GAINS, READNOISES, strict=True))
    ]
    ccd = CCDData(joined([frame.ccd.data for frame in frames]), unit="adu", meta=meta)
    return ccd, joined([frame.truth for frame in frames])
