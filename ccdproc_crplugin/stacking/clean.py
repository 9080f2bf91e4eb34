# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Remove cosmic rays from several exposures of one field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.clean import MAX_FRACTION, NO_REPAIR, Prepared, check_choices, finish, prepare
from ccdproc_crplugin.cleaning.detection import FoundCosmicRays, choose_detector, find_in_stack
from ccdproc_crplugin.cleaning.repairs import PROFILE
from ccdproc_crplugin.errors import CosmicRayError, wrong_value
from ccdproc_crplugin.frames.checks import check_frame
from ccdproc_crplugin.frames.electrons import ElectronFrame
from ccdproc_crplugin.plugins.model import Finding
from ccdproc_crplugin.stacking.offsets import find_offsets
from ccdproc_crplugin.stacking.result import CleanedStack, row_of

#: The repair from the other exposures.
FROM_STACK = "stack"

#: Two exposures are one if this share of their pixels differ by no more than this share of their values.
SAME_SHARE, SAME = 0.99, 1e-5

#: What the history calls it.
ACTION = "clean_cosmic_rays_stack"


def clean_cosmic_rays_stack(
    ccds: Sequence[CCDData],
    detector: str = "stack",
    *,
    offsets: Any = None,
    gain: Any = None,
    readnoise: Any = None,
    saturation: Any = None,
    bad_pixels: Any = None,
    dispersion_axis: int | None = None,
    refine: bool = True,
    repair: str | None = FROM_STACK,
    preflight: str = "warn",
    max_fraction: float = MAX_FRACTION,
    force: bool = False,
    **detector_parameters: Any,
) -> CleanedStack:
    """
    Remove the cosmic rays from several exposures of one field.

    Parameters
    ----------
    ccds : sequence of `~astropy.nddata.CCDData`, each of shape (ny, nx)
        Two exposures or more, in adu or electron, bias and dark subtracted, sky not subtracted. They may be shifted and
        differ in exposure time, transparency, sky and seeing. They are not changed.
    detector : str
        The detector, by its name in `stack_detectors`.
    offsets : sequence of (dy, dx), "wcs", "measure" or None
        Where a source of the first exposure lies in each, (dy, dx) in pixels relative to the first. `None` means that
        they are measured from the stars or, where too few stars agree, taken from the WCS.
    gain : Quantity, float, `~numpy.ndarray`, mapping or None
        As for `clean_cosmic_rays`, the same for all exposures; `None` means each header's.
    readnoise : Quantity, float, `~numpy.ndarray`, mapping or None
        As for `clean_cosmic_rays`, the same for all exposures; `None` means each header's.
    saturation : Quantity, float or None
        As for `clean_cosmic_rays`, the same for all exposures; `None` means each header's, if any.
    bad_pixels : `~numpy.ndarray` of bool, path or None, shape (ny, nx)
        Bad pixels of the detector, beside those of each mask.
    dispersion_axis : {0, 1} or None
        As for `clean_cosmic_rays`.
    refine : bool
        Whether plugins may change the masks of the detector.
    repair : {"stack", "profile", "meanmask", "medmask", "median", "idw", "none"} or None
        How each affected pixel is estimated: from the other exposures, where one shows it and was not hit there, or in
        a way of `clean_cosmic_rays`.
    preflight : {"warn", "raise", "off"}
        As for `clean_cosmic_rays`.
    max_fraction : float
        Largest share of the pixels that may be hit; a stack with an exposure that has more is refused.
    force : bool
        Whether exposures that were cleaned already may be cleaned again.
    **detector_parameters
        The detector's own parameters.

    Returns
    -------
    CleanedStack
        A list of new frames, one for each exposure in their order, each as `clean_cosmic_rays` returns it. Its
        ``table`` has a row for each exposure with the numbers of pixels by the reason for which they were flagged.

    Raises
    ------
    CosmicRayError
        If an exposure, a parameter or the answer of a plugin is wrong, or an offset can't be known.

    Warns
    -----
    PreflightWarning
        If an exposure fails to meet the conditions of the method, or an offset is assumed to be 0.

    See Also
    --------
    clean_cosmic_rays : Clean one frame.
    stack_detectors : List the detectors.

    References
    ----------
    Bramich, D. M. 2008, MNRAS, 386, L77; Fruchter, A. S. and Hook, R. N. 2002, PASP, 114, 144, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin import clean_cosmic_rays_stack
    >>> ccds = [CCDData(np.random.default_rng(i).normal(200, 15, (50, 50)), unit="electron") for i in range(2)]
    >>> ccds[1].data[20, 20:26] += 3000
    >>> cleaned = clean_cosmic_rays_stack(ccds, readnoise=5.0, offsets=[(0, 0), (0, 0)], preflight="off")
    >>> [ccd.header["CRNPIX"] for ccd in cleaned]
    [0, 6]
    """
    ccds = _checked_stack(ccds)
    own_repair = None if repair in (NO_REPAIR, None) else repair
    check_choices(
        refine=refine,
        repair=PROFILE if repair == FROM_STACK else repair,
        preflight=preflight,
        max_fraction=max_fraction,
        force=force,
        dispersion_axis=dispersion_axis,
    )
    chosen, parameters = choose_detector(detector, detector_parameters, plugins.find_stack_detector)
    prepared = []
    for number, ccd in enumerate(ccds):
        with _naming_exposure(number):
            one = prepare(
                ccd,
                gain=gain,
                readnoise=readnoise,
                saturation=saturation,
                bad_pixels=bad_pixels,
                dispersion_axis=dispersion_axis,
                force=force,
            )
            _refuse_mosaic(one.frame)
            prepared.append((one, one.findings(preflight, detector, parameters)))
    frames = [one.frame for one, _ in prepared]
    _refuse_repeats(frames)
    shifts, source = find_offsets(ccds, frames, offsets)
    found = find_in_stack(ccds, frames, shifts, chosen, parameters, refine=refine)
    cleaned = []
    for number, (one, findings) in enumerate(prepared):
        hits = _with_offset(found[number], shifts[number], source, own_repair)
        with _naming_exposure(number):
            cleaned.append(_finished(one, hits, detector, own_repair, findings, max_fraction, preflight != "off"))
    rows = [row_of(ccd, hits, shift) for ccd, hits, shift in zip(cleaned, found, shifts, strict=True)]
    return CleanedStack(cleaned, rows, [float(np.median(frame.electronics.factor)) for frame in frames])


def _finished(
    prepared: Prepared,
    found: FoundCosmicRays,
    detector: str,
    repair: str | None,
    findings: list[Finding] | None,
    max_fraction: float,
    warn: bool,
) -> CCDData:
    """The new frame of an exposure; a detector may not say what the others show, so that its surroundings do."""
    if repair == FROM_STACK and found.detection.cleaned is None:
        repair = PROFILE
    repaired = prepared.repaired(found, repair, max_fraction)
    prepared = prepared.without_electrons()
    return finish(prepared, found, repaired, detector, repair, findings, warn=warn, action=ACTION)


def _checked_stack(ccds: Any) -> list[CCDData]:
    """The exposures as a list, refused unless they are two frames or more of one shape."""
    if isinstance(ccds, CCDData | np.ndarray | str):
        raise CosmicRayError(f"Found {type(ccds).__name__}; expected a list of two exposures or more of one field.")
    if not isinstance(ccds, Iterable):
        raise wrong_value("ccds", ccds, "a list of two exposures or more of one field")
    ccds = list(ccds)
    if len(ccds) < 2:
        raise CosmicRayError(
            f"Found {len(ccds)} exposure; expected two or more of one field.",
            "Clean one frame with {clean_cosmic_rays()}.",
        )
    for number, ccd in enumerate(ccds):
        with _naming_exposure(number):
            check_frame(ccd)
    shapes = dict.fromkeys(ccd.shape for ccd in ccds)
    if len(shapes) > 1:
        raise CosmicRayError(
            f"Found exposures of shapes {', '.join(map(str, shapes))}; expected one shape.",
            "Cut them to the same pixels of the detector.",
        )
    return ccds


def _refuse_repeats(frames: Sequence[ElectronFrame]) -> None:
    """Refuse an exposure that is given twice, be it in another unit: noise makes no two frames alike."""
    for number, frame in enumerate(frames):
        for other in range(number):
            good = ~(frame.bad | frames[other].bad)
            a, b = frame.data[good], frames[other].data[good]
            if np.count_nonzero(np.abs(a - b) <= SAME * np.abs(a)) > SAME_SHARE * max(a.size, 1):
                raise CosmicRayError(
                    f"Found the same pixels in exposures {other + 1} and {number + 1}; expected different exposures.",
                    "Give each exposure once.",
                    exposure=number,
                )


@contextmanager
def _naming_exposure(number: int) -> Iterator[None]:
    """Let an error say in which exposure it is, counted from 0."""
    try:
        yield
    except CosmicRayError as err:
        named = err.within(f"exposure {number + 1}: ")
        named.exposure = number
        raise named from err


def _refuse_mosaic(frame: ElectronFrame) -> None:
    if frame.mosaic.pattern is not None:
        raise CosmicRayError(
            "Found a colour mosaic; expected exposures whose pixels have one colour.",
            "Clean each frame with {clean_cosmic_rays()}.",
        )


def _with_offset(
    found: FoundCosmicRays, offset: tuple[float, float], source: str, repair: str | None
) -> FoundCosmicRays:
    """The result with its offset among the parameters, and without the detector's values if others are asked for."""
    parameters = {**found.parameters, "offset": f"{offset[0]:.2f}, {offset[1]:.2f} ({source})"}
    detection = found.detection if repair == FROM_STACK else replace(found.detection, cleaned=None)
    return replace(found, parameters=parameters, detection=detection)
