# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Many frames: cleaning a collection, reducing a night."""
