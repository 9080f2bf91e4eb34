# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The built-in detectors, a plugin a file."""
