# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of what a reduction step makes of a frame."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from astropy.nddata import CCDData
from astropy.table import Table

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.testing.checks import NotApplicableError, ensure, fail
from ccdproc_crplugin.testing.subjects import Subject

UNKNOWN = "no_such_parameter"


def check_refuses_unknown_parameters(subject: Subject) -> None:
    """A misspelt parameter is an error before the night begins, not ignored."""
    ask = subject.item.check if subject.item.check is not None else subject.item.run
    given = {} if subject.item.check is not None else {"ccd": subject.frame_for_step()}
    try:
        ask(*given.values(), **{**subject.parameters, UNKNOWN: 1})
    except (TypeError, CosmicRayError):
        return
    except Exception as err:
        fail(f"{type(err).__name__} for {UNKNOWN}=1", "TypeError or CosmicRayError", "Name each parameter.")
    fail(f"no error for {UNKNOWN}=1", "TypeError or CosmicRayError", "Name each parameter; take no **keywords.")


def check_returns_a_frame(subject: Subject) -> None:
    """It returns a CCDData, alone or with a dict of tables."""
    made, tables = subject.run(subject.frame_for_step())
    ensure(isinstance(made, CCDData), f"{type(made).__name__} from run", "a CCDData", "Return the new frame.")
    good = isinstance(tables, Mapping) and all(isinstance(table, Table) for table in tables.values())
    ensure(good, f"tables of type {type(tables).__name__}", "a dict of astropy tables", "Return (ccd, {name: table}).")


def check_does_not_change_the_frame(subject: Subject) -> None:
    """The frame that it is given stays as it is, data, mask, uncertainty and header."""
    ccd = subject.frame_for_step()
    before = ccd.copy()
    subject.run(ccd)
    for name, part in _parts(ccd).items():
        same = _is_same(part, _parts(before)[name])
        ensure(same, f"that run changed the {name} of its frame", "the same", "Work on ccd.copy().")


def check_returns_a_frame_of_its_own(subject: Subject) -> None:
    """Writing to the frame that it returns does not change the one it was given."""
    ccd = subject.frame_for_step()
    made, _ = subject.run(ccd)
    shared = made is not ccd and np.shares_memory(made.data, ccd.data)
    ensure(not shared, "data shared with the frame it was given", "data of its own", "Return a copy.")


def check_returns_two_dimensions(subject: Subject) -> None:
    """The new frame has two dimensions and at least a pixel, as the next steps need it."""
    made, _ = subject.run(subject.frame_for_step())
    good = made.data.ndim == 2 and made.data.size > 0
    ensure(good, f"a frame of shape {made.data.shape}", "two dimensions", "Return an image.")


def check_returns_a_unit(subject: Subject) -> None:
    """The new frame has a unit, because gain and noise mean nothing without it."""
    made, _ = subject.run(subject.frame_for_step())
    ensure(made.unit is not None, "a frame without unit", "one with a unit", "Carry the unit on.")


def check_keeps_good_pixels_finite(subject: Subject) -> None:
    """Good pixels stay numbers; where a step can't give one, it masks the pixel."""
    made, _ = subject.run(subject.frame_for_step())
    bad = ~np.isfinite(made.data) & (False if made.mask is None else ~made.mask)
    ensure(not bad.any(), f"{bad.sum()} good pixels that are not finite", "none", "Mask them.")


def check_keeps_the_header(subject: Subject) -> None:
    """The cards of the frame are still there: later steps read gain, exposure and object from them."""
    ccd = subject.frame_for_step()
    made, _ = subject.run(ccd)
    sections = ("BIASSEC", "TRIMSEC")  # of the raw chip, wrong once it is cut
    gone = [card for card in ccd.meta if card not in made.meta and card not in sections]
    ensure(not gone, f"that the cards {', '.join(gone)} are gone", "all cards", "Carry ccd.meta on.")


def check_keeps_the_mask(subject: Subject) -> None:
    """A pixel that was masked stays masked."""
    ccd = subject.frame_for_step()
    made, _ = subject.run(ccd)
    if ccd.mask is None or made.shape != ccd.shape:
        raise NotApplicableError("the frame has no mask, or is cut")
    n_lost = 0 if made.mask is not None else int(ccd.mask.sum())
    n_lost = n_lost or int(np.sum(ccd.mask & ~np.asarray(made.mask, dtype=bool)))
    ensure(n_lost == 0, f"{n_lost} masked pixels that are no longer masked", "none", "Carry ccd.mask on.")


def check_keeps_the_uncertainty(subject: Subject) -> None:
    """A frame with an uncertainty still has one."""
    ccd = subject.frame_for_step()
    if ccd.uncertainty is None:
        raise NotApplicableError("the frame has no uncertainty")
    made, _ = subject.run(ccd)
    ensure(made.uncertainty is not None, "no uncertainty", "one", "Use the arithmetic of CCDData or of ccdproc.")


def check_keeps_the_coordinates(subject: Subject) -> None:
    """A frame with a WCS still has one."""
    ccd = subject.frame_for_step()
    if ccd.wcs is None:
        raise NotApplicableError("the frame has no WCS")
    made, _ = subject.run(ccd)
    ensure(made.wcs is not None, "no WCS", "one", "Carry ccd.wcs on.")


def check_takes_integers(subject: Subject) -> None:
    """A frame of integers, as cameras write them, gives the values of the same frame in floating point."""
    _check_type(subject, "u2")


def check_takes_the_other_byte_order(subject: Subject) -> None:
    """A big-endian frame, as FITS has it, gives the values of the same frame in native order."""
    _check_type(subject, ">f4")


def check_takes_double_precision(subject: Subject) -> None:
    """A frame of float64 gives the values of the same frame in float32."""
    _check_type(subject, "f8")


def _check_type(subject: Subject, dtype: str) -> None:
    if subject.frame is not None:
        raise NotApplicableError("the frame was given")
    plain, other = subject.frame_for_step("u2"), subject.frame_for_step("u2")
    plain.data, other.data = plain.data.astype("f4"), other.data.astype(dtype)
    expected, made = subject.run(plain)[0], subject.run(other)[0]
    same = np.allclose(expected.data.astype(float), made.data.astype(float), rtol=1e-4, atol=1e-3, equal_nan=True)
    advice = "Convert data to floating point before computing with them."
    ensure(same, f"other values for a frame of {np.dtype(dtype)!r}", "those of the frame in float32", advice)


def check_gives_the_same_answer_twice(subject: Subject) -> None:
    """The same frame gives the same result each time, so that a night can be reduced again."""
    first, second = (subject.run(subject.frame_for_step())[0] for _ in range(2))
    ensure(_is_same(first.data, second.data), "other data in a second run", "the same", "Fix the seed.")


def check_gives_the_same_answer_in_threads(subject: Subject) -> None:
    """Several threads get the result of one: nights run in threads too."""
    alone = subject.run(subject.frame_for_step())[0].data
    with warnings.catch_warnings(), ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("ignore")  # threads that ignore some by themselves get in each other's way
        together = list(pool.map(lambda ccd: subject.run(ccd)[0].data, [subject.frame_for_step() for _ in range(8)]))
    same = all(_is_same(alone, data) for data in together)
    ensure(same, "other data in threads", "the same", "Share nothing that is written to between calls.")


def check_warns_of_nothing(subject: Subject) -> None:
    """An ordinary frame costs no warning: users would get one for each frame of a night."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        subject.run(subject.frame_for_step())
    messages = "; ".join(f"{item.category.__name__}: {item.message}" for item in caught)
    ensure(not caught, f"the warnings {messages:.300}", "none", "Guard what causes them.")


def check_prints_nothing(subject: Subject) -> None:
    """It prints nothing: a night may be run by a program."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        subject.run(subject.frame_for_step())
    printed = (out.getvalue() + err.getvalue()).strip()
    ensure(not printed, f"the output {printed!r:.200}", "none", "Write it to the header or a table.")


def _parts(ccd: CCDData) -> dict[str, Any]:
    uncertainty = None if ccd.uncertainty is None else ccd.uncertainty.array
    return {"data": ccd.data, "mask": ccd.mask, "uncertainty": uncertainty, "header": dict(ccd.meta)}


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return bool(a is b or a == b)
