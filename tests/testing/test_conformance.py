# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built-in detectors and steps pass the conformance kit.
"""

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import Subject, checks_of, parametrize_with_checks
from ccdproc_crplugin.testing.frames import ccd_of, hits, raw_frame

KNOWS_NO_SHAPES = "the median of the neighbourhood does not tell a star from a hit"

#: What the built-in plugins do not pass, and why.
EXPECTED_FAILURES = {
    "median": dict.fromkeys(
        ("flags_mostly_hits", "spares_stars", "spares_broad_stars", "spares_sharp_stars", "spares_galaxies"),
        KNOWS_NO_SHAPES,
    ),
    "clean_cosmic_rays": {
        "takes_parameters_by_keyword_only": "it is a method of CCDData too: ccd.clean_cosmic_rays('median')"
    },
}


def combined():
    """A combined frame of one level."""
    master = raw_frame()
    master.data, master.mask = np.full(master.shape, 100, dtype="f4"), None
    return master


def step(name, **settings):
    return Subject(crp.steps()[name], **settings)


STEPS = [
    step("subtract_overscan"),
    step("trim"),
    step("subtract_bias", master=combined()),
    step("subtract_dark", master=combined()),
    step("correct_flat", master=combined()),
    step("correct_gain"),
    step("create_deviation"),
    step("clean_cosmic_rays", parameters={"preflight": "off"}),
]


@parametrize_with_checks(
    [*crp.detectors(), *crp.stack_detectors(), *STEPS],
    expected_failures=lambda item: EXPECTED_FAILURES.get(item.name, {}),
)
def test_built_in(subject, check):
    check(subject)


@pytest.mark.parametrize("check", checks_of("step").values(), ids=checks_of("step"))
@pytest.mark.parametrize("name", ["mask_bad_pixels", "measure_events"])
def test_steps_that_need_a_file_or_a_cleaned_frame(name, check, tmp_path):
    if name == "mask_bad_pixels":
        fits.writeto(tmp_path / "bad.fits", np.zeros(raw_frame().shape, dtype="u1"))
        subject = step(name, parameters={"file": str(tmp_path / "bad.fits")})
    else:
        subject = step(name, frame=crp.clean_cosmic_rays(ccd_of(hits()), preflight="off"))
    if subject.frame is not None and check.name.startswith(("takes_", "keeps_the_uncertainty", "keeps_the_coord")):
        pytest.skip("the frame was given")
    check(subject)


def test_the_steps_of_the_package_are_all_tried():
    tried = {subject.name for subject in STEPS} | {"mask_bad_pixels", "measure_events"}
    assert tried == {name for name, one in crp.steps().items() if not isinstance(one, crp.StackStep)}


def test_the_raw_frame_of_the_kit_is_one_that_can_be_cleaned():
    cleaned = crp.clean_cosmic_rays(raw_frame(), preflight="off")
    assert isinstance(cleaned, CCDData)
    assert cleaned.mask[20, 30]
