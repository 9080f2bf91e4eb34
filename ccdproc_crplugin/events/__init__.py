# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Cosmic rays one by one: segments, catalogue, classes, pictures."""
