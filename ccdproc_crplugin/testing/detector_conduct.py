# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Checks of how a detector behaves: what it leaves alone, whether it repeats itself, what it costs."""

from __future__ import annotations

import contextlib
import io
import time
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ccdproc_crplugin import plugins
from ccdproc_crplugin.cleaning.detection import choose_detector
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.plugins.model import DETECTOR_KEYWORDS
from ccdproc_crplugin.testing import frames
from ccdproc_crplugin.testing.checks import NotApplicableError, ensure, fail
from ccdproc_crplugin.testing.subjects import Subject

#: Threads that search at the same time.
N_THREADS = 4

#: Most memory for a search, in units of the size of the frame (float32).
MEMORY = 80

#: Longest time of the processor, s per million pixels, and the number of tries of which the fastest counts.
SECONDS_PER_MILLION, TRIES = 60.0, 4

#: Name of a parameter that no detector has.
UNKNOWN = "no_such_parameter"


def check_does_not_change_the_frame(subject: Subject) -> None:
    """The data stay as they are, even where they could be written to: they belong to the user."""
    scene = frames.hits()
    _check_untouched(subject, scene, "data")


def check_does_not_change_the_mask(subject: Subject) -> None:
    """The mask that it is given stays as it is: the host needs it afterwards."""
    scene = frames.hits()
    bad = np.zeros(scene.data.shape, dtype=bool)
    bad[3:6, 3:6] = True
    _check_untouched(subject, scene.changed(mask=bad), "mask")


def check_does_not_change_the_variance(subject: Subject) -> None:
    """The variance that it is given stays as it is."""
    scene = frames.hits()
    variance = np.full(scene.data.shape, frames.SKY, dtype=np.float32)
    _check_untouched(subject, scene.changed(variance=variance), "variance")


def _check_untouched(subject: Subject, scene: frames.Scene, name: str) -> None:
    before = getattr(scene, name)
    loose = before.copy()
    given = {name: loose} if name != "data" else {}
    searched = scene if name != "data" else frames.Scene(scene.what, loose, scene.mask, truth=scene.truth)
    subject.detect(searched, **given)
    same = np.array_equal(loose, before)
    ensure(same, f"that detect changed its argument {name}", "the same values", f"Work on a copy of {name}.")


def check_takes_arrays_that_are_read_only(subject: Subject) -> None:
    """It works on arrays that nobody may write to, as the host gives them."""
    scene = frames.hits()
    subject.detect(scene.changed(variance=np.full(scene.data.shape, frames.SKY, dtype=np.float32)))


def check_gives_the_same_answer_twice(subject: Subject) -> None:
    """The same frame has the same cosmic rays each time, so that a night can be reduced again."""
    first, second = subject.flagged(frames.battery()), subject.flagged(frames.battery())
    n_different = np.count_nonzero(first ^ second)
    ensure(
        n_different == 0, f"{n_different} pixels that differ in a second run", "none", "Fix the seed of what is random."
    )


def check_remembers_nothing_of_other_frames(subject: Subject) -> None:
    """A frame has the same cosmic rays whatever was searched before it."""
    first = subject.flagged(frames.hits())
    subject.flagged(frames.sky((50, 40), 3000.0))
    n_different = np.count_nonzero(first ^ subject.flagged(frames.hits()))
    found = f"{n_different} pixels that differ after another frame"
    ensure(n_different == 0, found, "none", "Keep nothing from one call to the next.")


def check_gives_the_same_answer_in_threads(subject: Subject) -> None:
    """Several threads that search at the same time get the answers of one: nights run in threads too."""
    scenes = [frames.hits(seed=seed) for seed in range(N_THREADS)]
    alone = [subject.flagged(scene) for scene in scenes]
    with warnings.catch_warnings(), ThreadPoolExecutor(N_THREADS) as pool:
        warnings.simplefilter("ignore")  # threads that ignore some by themselves get in each other's way
        together = list(pool.map(subject.flagged, scenes * 2))
    n_different = sum(np.count_nonzero(a ^ b) for a, b in zip(alone * 2, together, strict=True))
    found = f"{n_different} pixels that differ in {N_THREADS} threads"
    ensure(n_different == 0, found, "none", "Share nothing that is written to between calls, or guard it with a lock.")


def check_leaves_the_random_state_alone(subject: Subject) -> None:
    """The global random numbers of NumPy go on as if nothing had happened."""
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - it is the global state that matters
    subject.detect(frames.hits())
    same = repr(before) == repr(np.random.get_state(legacy=False))  # noqa: NPY002
    ensure(same, "that the global random state changed", "the same one", "Use numpy.random.default_rng(seed).")


def check_warns_of_nothing(subject: Subject) -> None:
    """An ordinary frame costs no warning: users would get one for each frame of a night."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        subject.detect(frames.battery())
    messages = "; ".join(f"{item.category.__name__}: {item.message}" for item in caught)
    ensure(not caught, f"the warnings {messages:.300}", "none", "Guard the divisions and roots that cause them.")


def check_prints_nothing(subject: Subject) -> None:
    """It prints nothing; what is worth telling goes to ``info``."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        subject.detect(frames.hits())
    printed = (out.getvalue() + err.getvalue()).strip()
    ensure(not printed, f"the output {printed!r:.200}", "none", "Return it in Detection.info, or log it.")


def check_refuses_unknown_parameters(subject: Subject) -> None:
    """A misspelt parameter is an error, not ignored."""
    try:
        subject.item.detect(frames.hits().data, **dict.fromkeys(DETECTOR_KEYWORDS), **{UNKNOWN: 1})
    except TypeError:
        return
    except Exception as err:
        fail(f"{type(err).__name__} for an unknown parameter", "TypeError", "Name each parameter; take no **keywords.")
    fail(f"no error for {UNKNOWN}=1", "TypeError", "Name each parameter; take no **keywords.")


def check_refuses_words_for_numbers(subject: Subject) -> None:
    """A word where a number is due is a CosmicRayError that names the parameter, not something worse."""
    numeric = [name for name, value in _numbers(subject).items() if not isinstance(value, bool)]
    if not numeric:
        raise NotApplicableError("it has no parameters that are numbers")
    for name in numeric:
        message = _message_of_wrong(subject, name, "many")
        advice = 'Write a check(**parameters) that raises CosmicRayError(f"Found {name}=...; expected ...").'
        ensure(name in message, f"the error {message!r:.300} for {name}='many'", f"one that names {name}", advice)


def check_refuses_numbers_that_are_none(subject: Subject) -> None:
    """NaN for a parameter is an error: every comparison with it is false."""
    for name in _numbers(subject):
        message = _message_of_wrong(subject, name, float("nan"))
        ensure(name in message, f"the error {message!r:.300} for {name}=nan", f"one that names {name}", "Check it.")


def _numbers(subject: Subject) -> dict[str, object]:
    """The parameters whose values are numbers."""
    own = plugins.detector_parameters(subject.item) | dict(subject.parameters)
    return {name: value for name, value in own.items() if isinstance(value, int | float)}


def _message_of_wrong(subject: Subject, name: str, value: object) -> str:
    """What the host says of a wrong value, when the parameters are chosen or at the latest when a frame is cleaned."""
    try:
        with subject.registered() as registered:
            choose_detector(registered, {**subject.parameters, name: value})
        subject.clean(frames.ccd_of(frames.hits()), **{name: value})
    except CosmicRayError as err:
        return str(err)
    return "no error"


def check_needs_little_memory(subject: Subject) -> None:
    """A search needs at most 80 times the memory of the frame: a frame of 4096 x 4096 pixels then fits into 6 GB."""
    scene = frames.battery()
    subject.detect(scene)
    traced = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        subject.detect(scene)
        peak = (tracemalloc.get_traced_memory()[1] - before) / scene.data.nbytes
    finally:
        if not traced:
            tracemalloc.stop()
    advice = "Work in float32, in tiles, and free what is no longer needed."
    ensure(peak <= MEMORY, f"{peak:.0f} times the memory of the frame", f"{MEMORY} times or less", advice)


def check_needs_little_time(subject: Subject) -> None:
    """A search takes at most a minute of the processor for a million pixels, the fastest of four runs."""
    scene = frames.battery()
    allowed = SECONDS_PER_MILLION * scene.data.size / 1e6
    seconds = allowed
    for _ in range(TRIES):
        start = time.process_time()
        subject.detect(scene)
        seconds = time.process_time() - start
        if seconds <= allowed:
            return
    expected = f"{allowed:.1f} s or less"
    fail(f"{seconds:.1f} s for {scene.data.size / 1e6:.2f} million pixels", expected, "Use filters instead of loops.")
