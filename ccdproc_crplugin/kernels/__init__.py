# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The number crunching: plain arrays in, plain arrays out.
"""
