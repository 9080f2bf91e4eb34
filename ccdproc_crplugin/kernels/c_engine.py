# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L.A.Cosmic in C: the same two functions as `numpy_engine`, in compiled form."""

from ccdproc_crplugin.kernels._lacosmic import find, prepare

__all__ = ["find", "prepare"]
