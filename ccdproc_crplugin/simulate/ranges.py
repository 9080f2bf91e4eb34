# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Numbers that must lie within a range."""

from numbers import Integral, Real

from ..errors import CosmicRayError

__all__ = ["check_ranges"]


def check_ranges(values, numbers, whole_numbers):
    """Refuse numbers that are none or out of their range.

    Parameters
    ----------
    values : dict
        Values by name.
    numbers, whole_numbers : dict
        Least and most of those that are numbers and of those that are whole numbers, by name.

    Raises
    ------
    CosmicRayError
        At the first that is not as it should be.
    """
    for kind, word, ranges in ((Real, "number", numbers), (Integral, "whole number", whole_numbers)):
        for name, (least, most) in ranges.items():
            value = values.get(name, least)
            if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
                raise CosmicRayError(f"{name} is {value!r}; expected a {word} from {least:g} to {most:g}")
