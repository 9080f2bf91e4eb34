# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Each check finds what it asks for: detectors and steps that are wrong in one way fail the one that asks for it.
"""

import itertools
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, Detector, Step
from ccdproc_crplugin.testing import ConformanceError, Subject, check_detector, check_step, checks_of
from ccdproc_crplugin.testing.running import outcome_of

KNOWN = itertools.count()


def named(function, name="theirs", summary="a detector that is wrong"):
    return Detector(name, summary, function)


def detector(body):
    """A detector that makes ``body(data, mask)`` of the answer of the median detector."""

    def detect(data, *, mask, variance, readnoise, saturation):
        """Wrong on purpose."""
        facts = {"mask": mask, "variance": variance, "readnoise": readnoise, "saturation": saturation}
        return body(data, mask, crp.detectors()["median"].detect(data, **facts))

    return named(detect)


def with_global_state(data, mask, found):
    np.random.random()  # noqa: NPY002
    return found


def with_random_answer(data, mask, found):
    flagged = found.mask.copy()
    flagged[0, 0] = next(KNOWN) % 2 == 0
    return Detection(flagged)


def with_warning(data, mask, found):
    warnings.warn("odd", RuntimeWarning, stacklevel=1)
    return found


def with_output(data, mask, found):
    print("hello")
    return found


def writing_to_the_frame(data, mask, found):
    data[0, 0] = 5
    return found


def writing_if_it_can(data, mask, found):
    if data.flags.writeable:
        data[0, 0] = 5
    return found


def hungry(data, mask, found):
    np.zeros((100, *data.shape), dtype=np.float32)
    return found


WRONG = {
    "returns_a_detection": lambda data, mask, found: found.mask,
    "returns_a_mask_of_bool_with_the_shape_of_the_frame": lambda data, mask, found: Detection(found.mask * 1.0),
    "returns_a_score_with_the_shape_of_the_frame": lambda data, mask, found: replace(found, score=found.mask),
    "returns_a_finite_score": lambda data, mask, found: replace(found, score=data * np.nan),
    "scores_hits_above_the_sky": lambda data, mask, found: replace(found, score=-data),
    "returns_a_cleaned_frame_with_the_shape_of_the_frame": lambda data, mask, found: Detection(
        found.mask, cleaned=data[1:]
    ),
    "returns_a_cleaned_frame_without_the_hits": lambda data, mask, found: Detection(found.mask, cleaned=data.copy()),
    "returns_where_it_did_not_search_as_bool": lambda data, mask, found: Detection(found.mask, not_searched=data),
    "flags_nothing_where_it_did_not_search": lambda data, mask, found: Detection(found.mask, not_searched=found.mask),
    "searches_most_of_the_frame": lambda data, mask, found: Detection(found.mask, not_searched=data > 0),
    "returns_info_by_name": lambda data, mask, found: Detection(found.mask, info={"gain": 1}),
    "returns_info_that_fits_a_header": lambda data, mask, found: Detection(found.mask, info={"text": "a" * 2000}),
    "returns_arrays_of_its_own": lambda data, mask, found: Detection(mask),
    "takes_a_frame_of_one_pixel": lambda data, mask, found: Detection(found.mask | (data > data[1, 1])),
    "takes_a_constant_frame": lambda data, mask, found: Detection(data >= data.max()),
    "takes_arrays_that_are_read_only": writing_to_the_frame,
    "does_not_change_the_frame": writing_if_it_can,
    "gives_the_same_answer_twice": with_random_answer,
    "leaves_the_random_state_alone": with_global_state,
    "warns_of_nothing": with_warning,
    "prints_nothing": with_output,
    "needs_little_memory": hungry,
    "finds_bright_events": lambda data, mask, found: Detection(np.zeros_like(found.mask)),
    "finds_the_pixels_of_bright_events": lambda data, mask, found: Detection(np.zeros_like(found.mask)),
    "finds_hits_at_the_border_or_says_that_it_does_not_look": lambda data, mask, found: Detection(
        np.pad(found.mask[1:-1, 1:-1], 1) if min(data.shape) > 2 else found.mask
    ),
    "leaves_an_empty_sky_alone": lambda data, mask, found: Detection(data > np.median(data)),
    "spares_stars": lambda data, mask, found: found,
    "flags_mostly_hits": lambda data, mask, found: found,
    "can_be_pickled": lambda data, mask, found: found,
}


@pytest.mark.parametrize("name", WRONG)
def test_a_detector_that_is_wrong_fails_the_check_that_asks_for_it(name):
    outcome, message = outcome_of(checks_of("detector")[name], Subject(detector(WRONG[name])))
    assert outcome == "failed"
    assert re.match(r"Found .*; expected .*\. .*\.$", message)


def plain(data, *, mask, variance, readnoise, saturation, limit=1000.0):
    return Detection((data > limit) & ~mask)


def with_list(data, *, mask, variance, readnoise, saturation, limits=[1000.0]):  # noqa: B006
    """Wrong on purpose."""
    return Detection((data > limits[0]) & ~mask)


def by_position(data, mask, variance, readnoise, saturation):
    """Wrong on purpose."""
    return Detection(data > 1000)


def swallowing(data, *, mask, variance, readnoise, saturation, **more):
    """Wrong on purpose."""
    return Detection(data > 1000)


def refuses(**parameters):
    raise ValueError("no")


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("fulfils_the_rules_of_the_host", named(swallowing)),
        ("has_a_short_name", named(plain, name="a" * 60)),
        ("has_a_name_that_is_free", named(plain, name="median")),
        ("says_in_a_line_what_it_does", named(plain, summary="two\nlines of a summary")),
        ("has_a_docstring", named(plain)),
        ("takes_parameters_by_keyword_only", named(by_position)),
        ("has_defaults_that_nobody_can_change", named(with_list)),
        ("accepts_its_own_parameters", replace(named(plain), check=refuses)),
        ("has_references_that_can_be_cited", replace(named(plain), references=("somebody, somewhere",))),
        ("has_references_that_can_be_cited", replace(named(plain), references="2001PASP..113.1420V")),
        ("refuses_unknown_parameters", named(swallowing)),
    ],
)
def test_a_declaration_that_is_wrong_fails_the_check_that_asks_for_it(name, wrong):
    assert outcome_of(checks_of("detector")[name], Subject(wrong))[0] == "failed"


def test_a_check_of_what_a_detector_does_not_have_does_not_apply():
    outcome = outcome_of(checks_of("detector")["returns_a_finite_score"], Subject(named(plain)))
    assert outcome == ("not applicable", "it returns no score")


def changed(ccd):
    """Wrong on purpose."""
    ccd.data += 1
    return ccd


def forgetful(ccd):
    """Wrong on purpose."""
    made = ccd.multiply(1)
    made.meta.clear()
    made.mask, made.uncertainty, made.wcs = None, None, None
    return made


def divided(ccd):
    """Wrong on purpose."""
    made = ccd.copy()
    made.data = made.data * np.nan
    return made


def nothing(ccd):
    """Wrong on purpose."""


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("returns_a_frame", nothing),
        ("does_not_change_the_frame", changed),
        ("keeps_good_pixels_finite", divided),
        ("keeps_the_header", forgetful),
        ("keeps_the_mask", forgetful),
        ("keeps_the_uncertainty", forgetful),
        ("keeps_the_coordinates", forgetful),
    ],
)
def test_a_step_that_is_wrong_fails_the_check_that_asks_for_it(name, wrong):
    subject = Subject(Step("theirs", "a step that is wrong", wrong))
    assert outcome_of(checks_of("step")[name], subject)[0] == "failed"


class TestRunningThemAll:
    def test_there_are_at_least_forty_and_each_says_what_it_asks(self):
        assert len(checks_of("detector")) >= 40
        for kind in ("detector", "step"):
            assert all(check.asks.endswith(".") for check in checks_of(kind).values())

    def test_a_detector_that_fails_is_told_all_its_failures(self):
        with pytest.raises(ConformanceError) as error:
            check_detector(named(plain, summary=""))
        message = str(error.value)
        assert re.match(r"detector 'theirs' fails \d+ of \d+ checks:\n", message)
        assert "says_in_a_line_what_it_does: Found the summary ''; expected a line of" in message
        assert "spares_stars: Found" in message

    def test_a_detector_that_passes_gets_a_table(self):
        table = check_detector("lacosmic")
        assert set(table["outcome"]) == {"passed", "not applicable"}
        assert len(table) == len(checks_of("detector"))

    def test_an_expected_failure_is_no_failure(self):
        reason = "it knows no shapes"
        names = ("flags_mostly_hits", "spares_stars", "spares_broad_stars", "spares_sharp_stars", "spares_galaxies")
        table = check_detector("median", expected_failures=dict.fromkeys(names, reason))
        assert list(table["message"][table["outcome"] == "expected failure"]) == [reason] * 5

    def test_an_expected_failure_that_passes_is_one(self):
        with pytest.raises(ConformanceError, match="Found that it passes; expected a failure"):
            check_detector("lacosmic", expected_failures={"spares_stars": "once it did not"})

    def test_an_expected_failure_that_names_no_check_is_refused(self):
        with pytest.raises(CosmicRayError, match=r"'spare_stars'.*Did you mean spares_stars\?"):
            check_detector("lacosmic", expected_failures={"spare_stars": "..."})

    def test_a_step_gets_its_parameters(self):
        table = check_step(crp.steps()["correct_gain"], parameters={"gain": 2.0})
        assert set(table["outcome"]) == {"passed"}

    def test_what_is_no_plugin_is_refused(self):
        with pytest.raises(CosmicRayError, match=r"item=3; expected a Detector, a StackDetector, a Step, or the name"):
            check_detector(3)
