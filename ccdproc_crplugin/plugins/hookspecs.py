# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The hooks that a plugin may implement.

A plugin is a module (or any object) with functions of these names, marked with ``hookimpl``, that is
registered under the entry-point group ``ccdproc_crplugin``::

    [project.entry-points.ccdproc_crplugin]
    mydetector = "my_package.my_module"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import numpy as np

#: The name that ties specifications, implementations and the manager together.
PROJECT = "ccdproc_crplugin"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def ccdcr_detectors() -> None:
    """
    Register detectors.

    Returns
    -------
    iterable of `~ccdproc_crplugin.Detector`
        What can find cosmic rays.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import Detection, Detector, hookimpl
    >>> def detect(data, *, mask, variance, readnoise, saturation, threshold=1000.0):
    ...     '''Flag every good pixel above ``threshold`` electrons.'''
    ...     return Detection((data > threshold) & ~mask)
    >>> @hookimpl
    ... def ccdcr_detectors():
    ...     yield Detector("threshold", "every pixel above a level", detect)
    """


@hookspec
def ccdcr_stack_detectors() -> None:
    """
    Register detectors for several exposures of one field.

    Returns
    -------
    iterable of `~ccdproc_crplugin.StackDetector`
        What can find cosmic rays in a stack.

    Examples
    --------
    A whole plugin:

    >>> import numpy as np
    >>> from ccdproc_crplugin import Detection, StackDetector, hookimpl
    >>> def detect(exposures, *, limit=8.0):
    ...     '''Flag what exceeds the lowest exposure by ``limit`` standard deviations; for exposures not shifted.'''
    ...     lowest = np.min([exposure.data for exposure in exposures], axis=0)
    ...     found = []
    ...     for one in exposures:
    ...         noise = np.sqrt(np.maximum(lowest, 0) + one.readnoise**2)
    ...         found.append(Detection((one.data - lowest > limit * noise) & ~one.mask))
    ...     return found
    >>> @hookimpl
    ... def ccdcr_stack_detectors():
    ...     yield StackDetector("lowest", "pixels far above the lowest exposure", detect)
    """


@hookspec
def ccdcr_steps() -> None:
    """
    Register reduction steps for a night.

    Returns
    -------
    iterable of `~ccdproc_crplugin.Step` and `~ccdproc_crplugin.StackStep`
        The steps.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import Step, hookimpl
    >>> def subtract_pedestal(ccd, *, pedestal=100.0):
    ...     '''A new frame, ``pedestal`` (in the unit of the frame) lower.'''
    ...     return ccd.subtract(pedestal * ccd.unit, handle_meta="first_found")
    >>> @hookimpl
    ... def ccdcr_steps():
    ...     yield Step("subtract_pedestal", "take a constant off", subtract_pedestal)
    """


@hookspec
def ccdcr_checks() -> None:
    """
    Register checks for the preflight.

    Returns
    -------
    iterable of `~ccdproc_crplugin.Check`
        What is looked at before a frame is cleaned. Each is told ``gain``, ``readnoise`` and ``dark``; one that
        names them among its parameters is told ``saturation``, ``detector`` and ``parameters`` too.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import Check, Finding, hookimpl
    >>> def guiding(ccd, *, gain, readnoise, dark):
    ...     '''Was the telescope guiding?'''
    ...     lost = ccd.header.get("GUIDING") == "LOST"
    ...     return Finding(
    ...         "guiding",
    ...         "warn" if lost else "ok",
    ...         "the guide star was lost" if lost else "guided",
    ...         fix="look at the shape of the stars" if lost else "",
    ...     )
    >>> @hookimpl
    ... def ccdcr_checks():
    ...     yield Check("guiding", "was the guide star kept?", guiding)
    """


@hookspec
def ccdcr_dialects() -> None:
    """
    Register dialects of headers.

    Returns
    -------
    iterable of `~ccdproc_crplugin.Dialect`
        What the header cards of cameras mean.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import Dialect, hookimpl
    >>> @hookimpl
    ... def ccdcr_dialects():
    ...     yield Dialect(
    ...         "mycam",
    ...         "my own camera",
    ...         cards={"INSTRUME": "MyCam*"},
    ...         keywords={"gain": ["ELPERADU"], "readnoise": ["NOISE_E"], "kind": ["SHOT"]},
    ...         kinds={"flat": ["twilight screen"]},
    ...     )
    """


@hookspec
def ccdcr_flags() -> None:
    """
    Claim bits of the flags of cleaned frames.

    Returns
    -------
    iterable of `~ccdproc_crplugin.Flag`
        The bits with their names. A detector sets them by `~ccdproc_crplugin.Detection`, ``flags``.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import Detection, Detector, Flag, hookimpl
    >>> def detect(data, *, mask, variance, readnoise, saturation, level=1000.0):
    ...     '''Find no cosmic ray, but flag what is bright.'''
    ...     return Detection(mask & False, flags={"BRIGHT": data > level})
    >>> @hookimpl
    ... def ccdcr_flags():
    ...     yield Flag("BRIGHT", 32, "above a level")
    >>> @hookimpl
    ... def ccdcr_detectors():
    ...     yield Detector("bright", "flags bright pixels", detect)
    """


@hookspec
def ccdcr_methods() -> None:
    """
    Register methods of `~astropy.nddata.CCDData`.

    Returns
    -------
    iterable of function
        Functions whose first argument is the frame; each becomes the method of its own name.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import hookimpl
    >>> def cr_fraction(ccd):
    ...     '''Share of the pixels that a cosmic ray hit.'''
    ...     return float((ccd.flags & 1).mean())
    >>> @hookimpl
    ... def ccdcr_methods():
    ...     yield cr_fraction
    """


@hookspec
def ccdcr_refine(ccd: Any, mask: np.ndarray, frame: Any, detection: Any, parameters: Any) -> None:
    """
    Change the mask of a detector before the pixels are repaired.

    An implementation names the arguments that it needs.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The frame as it came in.
    mask : `~numpy.ndarray` of bool, shape (ny, nx)
        The cosmic rays so far; a copy that may be changed.
    frame : object
        The frame as the detector saw it: ``data`` (float32 (ny, nx), electron, read-only), ``bad`` (bool (ny, nx)),
        ``variance`` and ``extra_variance`` (float32 (ny, nx), electron squared, or None), ``readnoise`` and
        ``saturation`` (electron).
    detection : `~ccdproc_crplugin.Detection`
        What the detector gave, with what earlier plugins told.
    parameters : dict
        The parameters of the detector.

    Returns
    -------
    `~numpy.ndarray` of bool, tuple or None
        The changed mask, shape (ny, nx), or a tuple of it and a dict whose values go to `Detection.info` and to the
        HISTORY. None leaves the mask as it was.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import hookimpl
    >>> @hookimpl
    ... def ccdcr_refine(ccd, mask):
    ...     '''Never touch the guide star.'''
    ...     mask[40:60, 100:120] = False
    ...     return mask
    """


@hookspec
def ccdcr_cleaned(ccd: Any, detection: Any) -> None:
    """
    Observe a frame that was cleaned.

    Parameters
    ----------
    ccd : `~astropy.nddata.CCDData`
        The cleaned frame.
    detection : `~ccdproc_crplugin.Detection`
        What the detector gave.

    Examples
    --------
    A whole plugin:

    >>> from ccdproc_crplugin import hookimpl
    >>> counts = []
    >>> @hookimpl
    ... def ccdcr_cleaned(ccd, detection):
    ...     '''Keep the number of flagged pixels of every frame.'''
    ...     counts.append(int(detection.mask.sum()))
    """
