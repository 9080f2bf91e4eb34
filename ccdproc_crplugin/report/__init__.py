# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A night on one page, to be looked at in a browser."""
