# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One frame without its cosmic rays: preflight, search, repair, and the way back."""
