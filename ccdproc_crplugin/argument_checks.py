# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What arguments of any function are refused for.
"""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["check_bool", "check_callable"]


def check_bool(name: str, value: object) -> None:
    """
    Refuse a switch that is neither on nor off.

    Parameters
    ----------
    name : str
        The keyword.
    value : object
        Its value.

    Raises
    ------
    CosmicRayError
        If it is anything but a bool, such as the word ``"false"``, which Python holds for true.
    """
    if not isinstance(value, bool | np.bool_):
        raise CosmicRayError(f"Found {name}={value!r}; expected True or False (true or false in a file).")


def check_callable(name: str, value: object) -> None:
    """
    Refuse what should be called and can't be.

    Parameters
    ----------
    name : str
        The keyword.
    value : object
        Its value; None is nothing to call.

    Raises
    ------
    CosmicRayError
        If it is neither.
    """
    if value is not None and not callable(value):
        raise CosmicRayError(f"Found {name}={value!r}; expected a function, or None.")
