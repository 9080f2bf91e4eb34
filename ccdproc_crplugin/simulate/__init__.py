# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames and nights with known cosmic rays.

`simulate_frame` makes one frame and the truth about it, `simulate_night` a folder of them.
"""

from ccdproc_crplugin.simulate.camera import Camera
from ccdproc_crplugin.simulate.frame import SimulatedFrame, simulate_frame
from ccdproc_crplugin.simulate.night import simulate_frames, simulate_night
from ccdproc_crplugin.simulate.particles import THICK, THIN, Chip

__all__ = ["THICK", "THIN", "Camera", "Chip", "SimulatedFrame", "simulate_frame", "simulate_frames", "simulate_night"]
