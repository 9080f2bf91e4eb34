# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The page of a night, for a browser."""
