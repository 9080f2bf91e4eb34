# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What this package raises and warns, and how it tells of an error.
"""

__all__ = ["CalibrationWarning", "CosmicRayError", "PluginWarning", "PreflightWarning", "reason_of"]


class CosmicRayError(ValueError):
    """
    A wrong input: says what was found, what was expected, what to do.
    """


class PluginWarning(UserWarning):
    """
    A plugin was left out, wholly or in part; everything else works.
    """


class PreflightWarning(UserWarning):
    """
    The frame does not fulfil one of the conditions of the method.
    """


class CalibrationWarning(UserWarning):
    """
    A calibration frame was left out, or a combined frame is not what it could be.
    """


def reason_of(err: BaseException) -> str:
    """
    Why something failed, in a line.

    Parameters
    ----------
    err : BaseException
        The error.

    Returns
    -------
    str
        Its message; with its type, unless it is one of ours.
    """
    text = str(err) if isinstance(err, CosmicRayError) else f"{type(err).__name__}: {err}"
    return " ".join(text.split())
