# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
L.A.Cosmic over plain arrays: van Dokkum (2001, PASP 113, 1420).

Two engines return the same result: one in C, and one in NumPy for installations
without a compiler. ``CCDCR_ENGINE=c`` or ``numpy`` forces one; `engine` returns
which runs and why. ``CCDCR_NUM_THREADS`` limits the threads of the C engine.
"""

from ccdproc_crplugin.kernels.engines import EngineChoice, engine, n_threads
from ccdproc_crplugin.kernels.search import LACosmicResult, lacosmic

__all__ = ["EngineChoice", "LACosmicResult", "engine", "lacosmic", "n_threads"]
