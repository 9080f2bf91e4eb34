# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of a detector on frames of every size, type and content that the host may give it."""

from __future__ import annotations

import numpy as np

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.testing import frames
from ccdproc_crplugin.testing.checks import NotApplicableError, ensure, fail
from ccdproc_crplugin.testing.subjects import Subject

#: How much the masks of a frame in two forms may differ, as a share of the pixels flagged in either.
DIFFERENT = 0.02

GUARD = "Guard against frames smaller than the boxes of its filters: flag nothing, and set not_searched."


def check_takes_a_frame_of_one_pixel(subject: Subject) -> None:
    """A frame of one pixel is no error: cut-outs may be of any size."""
    _check_size(subject, (1, 1))


def check_takes_a_frame_of_one_row(subject: Subject) -> None:
    """A frame of one row is no error."""
    _check_size(subject, (1, 40))


def check_takes_a_frame_of_one_column(subject: Subject) -> None:
    """A frame of one column is no error."""
    _check_size(subject, (40, 1))


def check_takes_a_frame_of_3_by_3_pixels(subject: Subject) -> None:
    """A frame smaller than the boxes of most filters is no error."""
    _check_size(subject, (3, 3))


def check_takes_a_frame_of_7_by_6_pixels(subject: Subject) -> None:
    """A frame that is mostly border is no error."""
    _check_size(subject, (7, 6))


def check_takes_a_frame_of_odd_sides(subject: Subject) -> None:
    """Sides need not be even or multiples of a tile."""
    _check_size(subject, (61, 53))


def check_takes_a_long_narrow_frame(subject: Subject) -> None:
    """A strip, such as the readout window of a spectrum, is no error."""
    _check_size(subject, (5, 301))


def _check_size(subject: Subject, shape: tuple[int, int]) -> None:
    scene = frames.scene_of(f"a frame of {frames.in_words(shape)}", frames.noisy_sky(shape))
    subject.flagged(scene)


def check_takes_a_frame_of_zeros(subject: Subject) -> None:
    """A frame of zeros has no cosmic rays, and no division by its noise may fail."""
    _check_empty(subject, frames.scene_of("a frame of zeros", np.zeros((40, 44), dtype=np.float32)))


def check_takes_a_constant_frame(subject: Subject) -> None:
    """A frame without any noise has no cosmic rays."""
    _check_empty(subject, frames.scene_of("a constant frame", np.full((40, 44), 300, dtype=np.float32)))


def check_takes_a_frame_below_zero(subject: Subject) -> None:
    """A frame whose sky was subtracted has values below zero, of which no root may be taken."""
    scene = frames.scene_of("a frame whose sky was subtracted", frames.noisy_sky((64, 64)) - frames.SKY)
    subject.flagged(scene)


def check_takes_very_bright_pixels(subject: Subject) -> None:
    """A pixel of ten million electrons overflows nothing."""
    data = frames.noisy_sky((64, 64))
    data[30, 30] = 1e7
    subject.flagged(frames.scene_of("a frame with a pixel of 1e7 electron", data))


def check_takes_a_frame_of_which_one_pixel_is_good(subject: Subject) -> None:
    """A frame with all pixels masked but one is no error."""
    mask = np.ones((40, 44), dtype=bool)
    mask[20, 20] = False
    scene = frames.scene_of("a frame with one good pixel", frames.noisy_sky((40, 44)), mask=mask)
    subject.flagged(scene)


def check_takes_masked_rows_and_columns(subject: Subject) -> None:
    """Whole bad rows, columns and corners are no error, and hits beside them are found."""
    scene = frames.hits()
    mask = np.zeros(scene.data.shape, dtype=bool)
    mask[:, 60], mask[5], mask[50:, :10] = True, True, True
    _check_finds_hits(subject, scene.changed(what="a frame with bad rows and columns", mask=mask))


def check_takes_a_variance(subject: Subject) -> None:
    """With the variance of a frame that has an uncertainty, it finds the same bright hits."""
    scene = frames.hits()
    variance = np.full(scene.data.shape, frames.SKY + frames.READNOISE**2, dtype=np.float32)
    _check_finds_hits(subject, scene.changed(what="a frame with a variance", variance=variance))


def check_takes_a_variance_that_includes_the_hits(subject: Subject) -> None:
    """Bright hits are found even where the variance has their own photons, as ccdproc.create_deviation makes it."""
    scene = frames.hits()
    variance = np.maximum(scene.data, 0) + np.float32(frames.READNOISE**2)
    _check_finds_hits(subject, scene.changed(what="a frame with the variance of its pixels", variance=variance))


def check_takes_pixels_without_variance(subject: Subject) -> None:
    """A variance of 0 at some pixels is no error."""
    scene = frames.hits()
    variance = np.full(scene.data.shape, frames.SKY, dtype=np.float32)
    variance[10:14, 10:14] = 0
    subject.flagged(scene.changed(what="a frame with some variances of 0", variance=variance))


def check_takes_a_read_noise_of_0(subject: Subject) -> None:
    """A read noise of 0 is no error: photon-counting cameras have none."""
    _check_finds_hits(subject, frames.hits().changed(what="a frame with a read noise of 0", readnoise=0.0))


def check_takes_a_known_saturation(subject: Subject) -> None:
    """Hits below a known saturation level are found as without one."""
    _check_finds_hits(subject, frames.hits().changed(what="a frame with a saturation level", saturation=50_000.0))


def check_takes_saturated_stars(subject: Subject) -> None:
    """Saturated stars with bleeding columns are no error."""
    data = frames.star_field(3.0).data.copy()
    data[60:120, 90:93] = 40_000
    scene = frames.scene_of("a frame with a saturated star", np.minimum(data, 40_000), saturation=40_000.0)
    subject.flagged(scene)


def check_takes_extra_variance(subject: Subject) -> None:
    """A detector with the keyword ``extra_variance`` takes an array there, and finds the bright hits."""
    _refuse_without(subject, "extra_variance")
    extra = np.full(frames.hits().data.shape, 30, dtype=np.float32)
    _check_finds_hits(subject, frames.hits(), extra_variance=extra)


def check_takes_protected_pixels(subject: Subject) -> None:
    """A detector with the keyword ``protected`` takes an array there, and flags none of these pixels."""
    _refuse_without(subject, "protected")
    scene = frames.hits()
    protected = np.zeros(scene.data.shape, dtype=bool)
    protected[15:25] = True
    n_flagged = np.count_nonzero(subject.flagged(scene, protected=protected) & protected)
    ensure(n_flagged == 0, f"{n_flagged} protected pixels flagged", "none", "Take protected pixels out of the mask.")


def _refuse_without(subject: Subject, keyword: str) -> None:
    if not plugins.takes_keyword(subject.item, keyword):
        raise NotApplicableError(f"it has no keyword {keyword}")


def check_takes_infinite_and_missing_values_under_the_mask(subject: Subject) -> None:
    """Masked pixels that hold NaN or infinity hide no hit: the host replaces them before it calls the detector."""
    scene = frames.hits()
    data, mask = scene.data.copy(), np.zeros(scene.data.shape, dtype=bool)
    data[10, 10], data[50, 60], mask[10, 10], mask[50, 60] = np.nan, np.inf, True, True
    found = _flagged_by_host(subject, scene, data=data, mask=mask)
    _check_all_found(found, scene, "a frame with NaN and infinity under its mask")


def check_finds_the_same_in_frames_of_other_types(subject: Subject) -> None:
    """Frames of integers, of double precision and of the other byte order have the same cosmic rays."""
    scene = frames.hits()
    whole = np.rint(scene.data)
    expected = _flagged_by_host(subject, scene, data=whole)
    for dtype in ("uint16", ">i2", ">f4", "f8"):
        found = _flagged_by_host(subject, scene, data=whole.astype(dtype))
        _check_same(found, expected, f"a frame of {np.dtype(dtype)!r}", "Make no use of the dtype of data.")


def check_finds_the_same_in_adu(subject: Subject) -> None:
    """A frame in adu with a gain of 2 electron/adu has the same cosmic rays as the one in electron."""
    scene = frames.hits()
    expected = _flagged_by_host(subject, scene)
    found = _flagged_by_host(subject, scene, data=scene.data / 2, unit="adu", gain=2.0)
    advice = "Expect data in electron; take no level in adu for granted."
    _check_same(found, expected, "the frame in adu", advice)


def check_cleans_a_frame_whole(subject: Subject) -> None:
    """The host cleans a frame with it, names it in the header, and gives back the removed values."""
    from ccdproc_crplugin.cleaning.restore import restore_cosmic_rays

    scene = frames.hits()
    ccd = frames.ccd_of(scene)
    try:
        cleaned = subject.clean(ccd)
        restored = restore_cosmic_rays(cleaned)
    except CosmicRayError as err:
        fail(f"the error {err}", "a cleaned frame", "Change what the message names.")
    same = np.array_equal(restored.data, ccd.data)
    ensure(
        same, "other values after restore_cosmic_rays", "those of the frame", "Report this to the host's developers."
    )


def check_cleans_a_colour_mosaic(subject: Subject) -> None:
    """A colour mosaic is cleaned plane by plane; each plane has half the sides of the frame."""
    data = frames.hits((96, 104)).data.copy()
    data[::2, ::2] *= 0.6
    try:
        subject.clean(frames.ccd_of(frames.scene_of("a mosaic", data)), mosaic="RGGB")
    except CosmicRayError as err:
        fail(f"the error {err} on a colour mosaic", "a cleaned frame", "Make detect work on the planes by themselves.")


def _flagged_by_host(subject: Subject, scene: frames.Scene, **changes: object) -> np.ndarray:
    keywords = {name: changes.pop(name) for name in ("gain",) if name in changes}
    try:
        cleaned = subject.clean(frames.ccd_of(scene, **changes), **keywords)
    except CosmicRayError as err:
        fail(f"the error {err}", "a cleaned frame", "Change what the message names.")
    return (cleaned.flags & 1) != 0


def _check_empty(subject: Subject, scene: frames.Scene) -> None:
    n_flagged = np.count_nonzero(subject.flagged(scene))
    ensure(n_flagged == 0, f"{n_flagged} pixels flagged on {scene.what}", "none", "Give the noise a floor above 0.")


def _check_finds_hits(subject: Subject, scene: frames.Scene, **changes: object) -> None:
    _check_all_found(subject.flagged(scene, **changes), scene, scene.what)


def _check_all_found(found: np.ndarray, scene: frames.Scene, what: str) -> None:
    truth = scene.truth & ~scene.mask
    n_missed = np.count_nonzero(truth & ~found)
    expected = "at most a third of them missed"
    advice = "Look at what the detector makes of these facts; a bright hit should not depend on them."
    ensure(
        3 * n_missed <= np.count_nonzero(truth),
        f"{n_missed} of {truth.sum()} pixels of bright hits missed on {what}",
        expected,
        advice,
    )


def _check_same(found: np.ndarray, expected: np.ndarray, what: str, advice: str) -> None:
    n_different, n_flagged = np.count_nonzero(found ^ expected), np.count_nonzero(found | expected)
    message = f"{n_different} of {n_flagged} flagged pixels that differ for {what}"
    ensure(n_different <= DIFFERENT * n_flagged, message, f"at most {DIFFERENT:.0%}", advice)
