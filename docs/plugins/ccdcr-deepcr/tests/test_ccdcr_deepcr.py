# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The mask is that of deepCR, the model that of the instrument.
"""

import ccdcr_deepcr
import numpy as np
import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import Subject, parametrize_with_checks
from ccdproc_crplugin.testing.frames import battery, ccd_of

DETECTOR = next(iter(ccdcr_deepcr.ccdcr_detectors()))


@parametrize_with_checks([Subject(DETECTOR, parameters={"model": "ACS-WFC", "any_instrument": True})])
def test_conformance(subject, check):
    check(subject)


def acs_frame(shape=(150, 130)):
    rng = np.random.default_rng(4)
    ccd = ccd_of(battery(), data=rng.poisson(100, shape) + rng.normal(0, 5, shape), mask=None)
    ccd.data[40, 30:45] += 4000
    ccd.meta.update(INSTRUME="ACS", DETECTOR="WFC")
    return ccd


@pytest.mark.parametrize("model", ["ACS-WFC", "WFC3-UVIS"])
def test_the_mask_is_that_of_deepcr(model):
    from deepCR import deepCR

    ccd = acs_frame()
    ccd.meta["INSTRUME"], ccd.meta["DETECTOR"] = model.split("-")
    expected = deepCR(mask=model, device="CPU").clean(ccd.data.astype("f4"), threshold=0.5, inpaint=False) > 0
    cleaned = crp.clean_cosmic_rays(ccd, "deepcr", preflight="off", saturation=1e6)
    np.testing.assert_array_equal((cleaned.flags & crp.PixelFlag.COSMIC_RAY) != 0, expected)
    assert expected.any() == (model == "ACS-WFC")  # the other one finds nothing in such a frame


@pytest.mark.parametrize(
    ("instrument", "chip", "parameters", "message"),
    [
        ("WHT", "", {}, "INSTRUME='WHT'.*expected those of one of: ACS-WFC, WFC3-UVIS, decam"),
        ("ACS", "HRC", {}, "DETECTOR='HRC'"),
        ("WFC3", "UVIS", {"model": "ACS-WFC"}, "model 'ACS-WFC' for INSTRUME='WFC3'.*expected WFC3-UVIS"),
        ("ACS", "WFC", {"model": "hal"}, "model='hal'; expected one of: auto"),
        ("ACS", "WFC", {"threshold": 2}, "threshold=2; expected a probability"),
    ],
)
def test_a_model_of_another_instrument_is_refused(instrument, chip, parameters, message):
    ccd = acs_frame()
    ccd.meta.update(INSTRUME=instrument, DETECTOR=chip)
    with pytest.raises(crp.CosmicRayError, match=message):
        crp.clean_cosmic_rays(ccd, "deepcr", preflight="off", **parameters)


def test_the_history_names_the_model():
    assert "model='ACS-WFC'" in "".join(crp.clean_cosmic_rays(acs_frame(), "deepcr", preflight="off").meta["HISTORY"])
