# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The checks of stack detectors: each finds the fault that it is for.
"""

from dataclasses import replace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, StackDetector, StackStep
from ccdproc_crplugin.testing import ConformanceError, Subject, check_stack_detector, checks_of

CHECKS = checks_of("stack detector")


def detect(exposures, *, limit=8.0):
    """Pixels that exceed the lowest exposure by ``limit`` standard deviations; for exposures not shifted."""
    lowest = np.min([one.data for one in exposures], axis=0)
    noise = [np.sqrt(np.maximum(lowest, 0) + one.readnoise**2) for one in exposures]
    pairs = zip(exposures, noise, strict=True)
    return [Detection((one.data - lowest > limit * sigma) & ~one.mask) for one, sigma in pairs]


def of_one_too_few(exposures, *, limit=8.0):
    return detect(exposures, limit=limit)[1:]


def of_numbers(exposures, *, limit=8.0):
    return [replace(found, mask=found.mask.astype(int)) for found in detect(exposures, limit=limit)]


def of_nothing(exposures, *, limit=8.0):
    return [Detection(np.zeros(one.data.shape, dtype=bool)) for one in exposures]


def of_the_first_alone(exposures, *, limit=8.0):
    found = detect(exposures, limit=limit)
    return [found[0], *of_nothing(exposures[1:])]


def of_chance(exposures, *, limit=8.0):
    rng = np.random.default_rng()
    return [replace(one, mask=one.mask | (rng.random(one.mask.shape) < 0.01)) for one in detect(exposures, limit=limit)]


def of_global_chance(exposures, *, limit=8.0):
    np.random.random()  # noqa: NPY002 - the fault
    return detect(exposures, limit=limit)


def of_a_list_made_shorter(exposures, *, limit=8.0):
    found = detect(exposures, limit=limit)
    exposures.pop()
    return found


def of_the_hosts_arrays(exposures, *, limit=8.0):
    return [
        replace(found, cleaned=one.data) for found, one in zip(detect(exposures, limit=limit), exposures, strict=True)
    ]


def of_noise(exposures, *, limit=8.0):
    return detect(exposures, limit=2.0)


def aloud(exposures, *, limit=8.0):
    print("searching")
    return detect(exposures, limit=limit)


def for_large_frames(exposures, *, limit=8.0):
    if exposures[0].data.size < 100:
        raise IndexError("too small")
    return detect(exposures, limit=limit)


@pytest.mark.parametrize(
    ("function", "check", "message"),
    [
        (of_one_too_few, "returns_a_detection_for_each_exposure", "Found 2 Detections; expected 3"),
        (of_numbers, "returns_masks_of_bool", "int64"),
        (of_nothing, "finds_bright_hits_beside_stars", "Found 0 of"),
        (of_nothing, "is_used_by_the_host", "hits that are not flagged"),
        (of_the_first_alone, "does_not_depend_on_the_order_of_exposures", "bright pixels flagged"),
        (of_chance, "gives_the_same_answer_twice", "pixels that differ in a second run"),
        (of_global_chance, "leaves_the_random_state_alone", "random state changed"),
        (of_a_list_made_shorter, "does_not_change_the_exposures", "the list of exposures"),
        (of_the_hosts_arrays, "returns_arrays_of_its_own", "an array of the host's"),
        (of_the_hosts_arrays, "returns_cleaned_frames_without_the_hits", "beside the sky at a hit"),
        (of_noise, "flags_little_on_an_empty_sky", "of the pixels flagged"),
        (aloud, "warns_of_nothing_and_prints_nothing", "searching"),
        (for_large_frames, "takes_tiny_exposures", "IndexError"),
        (detect, "spares_stars", "cores of stars flagged"),
        (detect, "flags_mostly_hits", "of the flagged pixels were hit"),
        (detect, "takes_a_bright_sky", "of the pixels flagged"),
        (detect, "takes_a_variance", "pixels flagged"),
        (detect, "is_not_misled_by_bad_pixels", "flagged pixels at bad ones"),
    ],
)
def test_a_fault_is_found(function, check, message):
    subject = Subject(StackDetector("tried", "a detector with a fault", function))
    with pytest.raises(ConformanceError, match=message):
        CHECKS[check](subject)


def test_a_simple_detector_passes_what_it_can():
    subject = Subject(StackDetector("tried", "what exceeds the lowest exposure", detect))
    for name in ("returns_masks_of_bool", "takes_two_exposures", "takes_many_exposures", "gives_the_same_answer_twice"):
        CHECKS[name](subject)


def test_all_faults_are_reported_at_once_and_known_ones_may_be_expected():
    shy = StackDetector("shy", "a detector that finds nothing", of_nothing)
    with pytest.raises(ConformanceError, match="stack detector 'shy' fails") as caught:
        check_stack_detector(shy)
    failed = [line.split(":")[0] for line in str(caught.value).splitlines()[1:]]
    assert "finds_bright_hits_beside_stars" in failed
    outcomes = check_stack_detector(shy, expected_failures=dict.fromkeys(failed, "it is shy"))
    assert set(outcomes["outcome"]) == {"passed", "expected failure", "not applicable"}


def test_a_stack_detector_may_be_given_by_its_name():
    assert Subject("stack").item is crp.stack_detectors()["stack"]
    with pytest.raises(CosmicRayError, match="stack"):
        check_stack_detector("no such detector")


def test_a_step_on_several_frames_has_no_checks_yet():
    with pytest.raises(CosmicRayError, match="expected a Detector, a StackDetector, a Step"):
        Subject(StackStep("mine", "a step on exposures", list))
