# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The limits that suit a frame, from the frame alone.

`trials` tries cosmic rays and stars of known charge on parts of the frame. `limits` counts what each pair of limits
would find, and chooses.
"""

__all__ = ["MAX_FALSE", "MAX_STARS_TOUCHED"]

#: Most false events, as a share of the events found, and most stars touched, as a share of the stars detected.
MAX_FALSE, MAX_STARS_TOUCHED = 0.05, 0.02
