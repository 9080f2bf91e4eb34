# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Frames and nights with known cosmic rays.

`simulate_frame` gives one frame and the truth about it, `simulate_night` a folder of them.
"""

from .camera import Camera
from .frame import SimulatedFrame, simulate_frame
from .night import simulate_frames, simulate_night
from .particles import THICK, THIN, Chip

__all__ = ["THICK", "THIN", "Camera", "Chip", "SimulatedFrame", "simulate_frame", "simulate_frames", "simulate_night"]
