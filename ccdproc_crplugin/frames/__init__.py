# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One frame: its header, gain and read noise, electrons, flags and the record of what was removed."""
