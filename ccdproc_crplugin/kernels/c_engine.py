# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""L.A.Cosmic in C: the same two functions as `numpy_engine`, in compiled form."""
