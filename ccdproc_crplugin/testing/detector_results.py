# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of what a detector returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ccdproc_crplugin import plugins
from ccdproc_crplugin.plugins.model import HOST_KEYWORDS, Detection
from ccdproc_crplugin.testing import frames
from ccdproc_crplugin.testing.checks import NotApplicableError, ensure
from ccdproc_crplugin.testing.subjects import Subject

#: Share of a frame that a detector searches at least.
SEARCHED = 0.8

#: Longest entry of ``info`` in the history of a frame, characters.
LONGEST_ENTRY = 1000


def check_returns_a_detection(subject: Subject) -> None:
    """It returns a Detection: the host refuses anything else."""
    found = subject.attempt(frames.hits())
    ensure(isinstance(found, Detection), type(found).__name__, "a Detection", "Return Detection(mask).")


def check_returns_a_mask_of_bool_with_the_shape_of_the_frame(subject: Subject) -> None:
    """The mask is a NumPy array of bool with the shape of the frame: the host refuses any other."""
    subject.flagged(frames.hits())


def check_returns_a_score_with_the_shape_of_the_frame(subject: Subject) -> None:
    """The score, if there is one, is floating-point and has the shape of the frame."""
    _check_image("score", _part(subject, "score"), "f")


def check_returns_a_finite_score(subject: Subject) -> None:
    """The score is a number at every good pixel, so that pixels can be sorted by it."""
    score = _part(subject, "score")
    n_odd = np.count_nonzero(~np.isfinite(score))
    ensure(n_odd == 0, f"{n_odd} values of the score that are not finite", "numbers", "Guard its divisions.")


def check_scores_hits_above_the_sky(subject: Subject) -> None:
    """Hits have a higher score than the sky, because users choose limits by it."""
    scene, score = frames.hits(), _part(subject, "score")
    hit, sky = (float(np.median(score[where])) for where in (scene.truth, ~scene.truth))
    expected = "a higher one at the hits"
    ensure(hit > sky, f"a median score of {hit:.3g} at hits and {sky:.3g} elsewhere", expected, "Turn its sign.")


def check_returns_a_cleaned_frame_with_the_shape_of_the_frame(subject: Subject) -> None:
    """The cleaned frame, if there is one, is floating-point and has the shape of the frame."""
    _check_image("cleaned", _part(subject, "cleaned"), "f")


def check_returns_a_cleaned_frame_without_the_hits(subject: Subject) -> None:
    """The cleaned frame has the level of the sky where a hit was, in electron as the frame."""
    scene, cleaned = frames.hits(), _part(subject, "cleaned")
    flagged = subject.flagged(scene) & scene.truth
    if not flagged.any():
        raise NotApplicableError("no hit was flagged")
    left = float(np.max(np.abs(cleaned[flagged] - frames.SKY)))
    expected = "at most 200 electron beside the sky"
    advice = "Return the frame in electron, as it came in; or no cleaned frame, and the host repairs."
    ensure(left < 200, f"a cleaned frame that is {left:.0f} electron beside the sky at a hit", expected, advice)


def check_returns_where_it_did_not_search_as_bool(subject: Subject) -> None:
    """``not_searched``, if given, is bool and has the shape of the frame."""
    _check_image("not_searched", _part(subject, "not_searched"), "b")


def check_flags_nothing_where_it_did_not_search(subject: Subject) -> None:
    """No pixel is both flagged and not searched: one of the two can't be true."""
    scene = frames.battery()
    found = subject.detect(scene)
    if found.not_searched is None:
        raise NotApplicableError("it searches everywhere")
    n_both = np.count_nonzero(found.mask & found.not_searched)
    advice = "Take the flagged pixels out of not_searched."
    ensure(n_both == 0, f"{n_both} pixels that are flagged and not searched", "none", advice)


def check_searches_most_of_the_frame(subject: Subject) -> None:
    """At least 80 % of an ordinary frame is searched; a detector for less would mislead its users."""
    found = subject.detect(frames.battery())
    share = 1.0 if found.not_searched is None else 1 - float(np.mean(found.not_searched))
    advice = "Search the frame in tiles, or treat its border by mirroring."
    ensure(share >= SEARCHED, f"{share:.0%} of the frame searched", f"{SEARCHED:.0%} or more", advice)


def check_returns_info_by_name(subject: Subject) -> None:
    """``info`` is a dict with text as keys, and no key is a keyword of the host."""
    info = subject.detect(frames.hits()).info
    ensure(isinstance(info, Mapping), f"info of type {type(info).__name__}", "a dict", "Return info={}.")
    odd = [key for key in info if not isinstance(key, str) or key in HOST_KEYWORDS]
    ensure(not odd, f"the keys {odd!r:.200} in info", "names that are not the host's", "Rename them.")


def check_returns_info_that_fits_a_header(subject: Subject) -> None:
    """The values of ``info`` are short, because the HISTORY of the cleaned frame has them."""
    info = subject.detect(frames.hits()).info
    long = [
        key for key, value in info.items() if not isinstance(value, np.ndarray) and len(repr(value)) > LONGEST_ENTRY
    ]
    expected = f"at most {LONGEST_ENTRY} characters"
    ensure(not long, f"the long values {', '.join(long)} in info", expected, "Return a number or a short text.")


def check_returns_flags_by_name(subject: Subject) -> None:
    """Each flag of ``flags`` is ``TRAIL`` or claimed by the hook ccdcr_flags, and its pixels are bool."""
    flags = subject.detect(frames.hits()).flags
    if not flags:
        raise NotApplicableError("it sets no flags of its own")
    known = ("TRAIL", *plugins.flags())
    strange = [name for name in flags if name not in known]
    advice = "Claim them with the hook ccdcr_flags, and load the whole plugin before the checks."
    ensure(not strange, f"the flags {', '.join(map(str, strange))}", f"some of {', '.join(known)}", advice)
    for name, pixels in flags.items():
        _check_image(f"flags[{name!r}]", pixels, "b")


def check_returns_arrays_of_its_own(subject: Subject) -> None:
    """What it returns shares no memory with what it was given: the host would change both."""
    scene = frames.hits()
    found = subject.detect(scene)
    given = [scene.data, scene.mask]
    for name in ("mask", "score", "cleaned", "not_searched"):
        part = getattr(found, name)
        shared = part is not None and any(np.shares_memory(part, array) for array in given)
        ensure(not shared, f"a {name} that is an array of the host's", "one of its own", f"Return a copy as {name}.")


def _part(subject: Subject, name: str) -> Any:
    part = getattr(subject.detect(frames.hits()), name)
    if part is None:
        raise NotApplicableError(f"it returns no {name}")
    return part


def _check_image(name: str, part: Any, kind: str) -> None:
    shape = frames.hits().data.shape
    good = isinstance(part, np.ndarray) and part.shape == shape and part.dtype.kind == kind
    dtype, size = getattr(part, "dtype", None), getattr(part, "shape", None)
    found = f"{name} of type {type(part).__name__}, dtype {dtype}, shape {size}"
    expected = f"a NumPy array of {'bool' if kind == 'b' else 'floating-point numbers'} of shape {shape}"
    ensure(good, found, expected, f"Convert {name} before it is returned.")
