"""
A colour mosaic is searched and repaired plane by plane, and comes back as one frame.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.nddata import StdDevUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin import plugins
from ccdproc_crplugin.frames.flags import PixelFlag, is_flagged
from ccdproc_crplugin.plugins.model import Detection, Detector
from tests.helpers.mosaic_frames import READNOISE, mosaic_frame

MOSAIC = {"BAYERPAT": "RGGB"}


@pytest.fixture(scope="module")
def frame():
    return mosaic_frame()


@pytest.fixture(scope="module")
def cleaned(frame):
    return crp.clean_cosmic_rays(frame.ccd(**MOSAIC))


def hits(ccd):
    return is_flagged(ccd.flags, PixelFlag.COSMIC_RAY)


def f1(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def completeness(found, frame):
    visible = frame.events[frame.events["significance"] >= 5]["label"]
    return np.isin(visible, np.unique(frame.labels[found])).mean()


def test_it_is_cleaned_as_well_as_a_monochrome_frame_of_that_depth(frame, cleaned):
    peer = mosaic_frame(pattern=None)
    peer_hits = hits(crp.clean_cosmic_rays(peer.ccd()))
    assert f1(hits(cleaned), frame.truth) > f1(peer_hits, peer.truth) - 0.03
    assert completeness(hits(cleaned), frame) >= completeness(peer_hits, peer) - 0.02
    assert (hits(cleaned) & ~frame.truth).sum() < 30


def test_the_noise_of_all_planes_counts(cleaned):
    assert cleaned.header["CRNNOISE"] == pytest.approx(1.0)
    assert cleaned.header["CRSIGPIX"] > 4


def test_repaired_pixels_have_the_level_of_their_colour(frame, cleaned):
    error = (cleaned.data - frame.light) / np.sqrt(frame.light + READNOISE**2)
    assert np.abs(np.median(error[hits(cleaned)])) < 0.2
    assert error[hits(cleaned)].std() < 1


def test_other_pixels_keep_their_values(frame, cleaned):
    assert np.array_equal(cleaned.data[~hits(cleaned)], frame.data[~hits(cleaned)])


def test_the_header_says_what_was_done(cleaned):
    assert cleaned.header["CRMOSAIC"] == "RGGB"
    assert "mosaic='RGGB'" in " ".join(cleaned.header["HISTORY"].split()).replace("\n", "")
    assert cleaned.header["CROBJLIM"].startswith("R ")


def test_what_was_removed_can_be_put_back(frame, cleaned):
    assert np.array_equal(cleaned.restore_cosmic_rays().data, frame.data)


def test_the_pattern_may_be_given(frame, cleaned):
    given = crp.clean_cosmic_rays(frame.ccd(), mosaic="RGGB", preflight="off")
    assert np.array_equal(hits(given), hits(cleaned))


@pytest.mark.parametrize("mosaic", [None, False, "none"])
def test_a_monochrome_frame_with_such_a_card_is_searched_as_one(mosaic):
    peer = mosaic_frame((256, 256), pattern=None)
    plain, carded = crp.clean_cosmic_rays(peer.ccd()), crp.clean_cosmic_rays(peer.ccd(**MOSAIC), mosaic=mosaic)
    assert np.array_equal(hits(plain), hits(carded))
    assert plain.data.tobytes() == carded.data.tobytes()
    assert "CRMOSAIC" not in carded.header


def test_odd_sides_will_do():
    odd = mosaic_frame((201, 255))
    found = hits(crp.clean_cosmic_rays(odd.ccd(**MOSAIC)))
    assert f1(found, odd.truth) > 0.8


def test_uncertainty_and_masked_pixels_are_split_too(frame):
    ccd = frame.ccd(**MOSAIC)
    ccd.uncertainty = StdDevUncertainty(np.sqrt(frame.light + READNOISE**2))
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[100:110, 200:220] = True
    cleaned = crp.clean_cosmic_rays(ccd)
    assert f1(hits(cleaned), frame.truth) > 0.85
    assert not hits(cleaned)[ccd.mask].any()


def test_a_plane_may_have_no_good_pixel(frame):
    ccd = frame.ccd(**MOSAIC)
    ccd.mask = np.zeros(ccd.shape, dtype=bool)
    ccd.mask[1::2, 1::2] = True
    cleaned = crp.clean_cosmic_rays(ccd, mosaic="RGGB", preflight="off")
    assert hits(cleaned).any()
    assert not hits(cleaned)[1::2, 1::2].any()


def test_arrays_among_the_parameters_of_a_detector_are_split(frame):
    seen = []

    def detect(data, *, mask, variance, readnoise, saturation, level=None, kernel=None):
        seen.append((data.shape, level.shape, kernel.shape))
        return Detection(data > level, score=data, info={"found": int((data > level).sum())})

    @crp.hookimpl
    def ccdcr_detectors():
        yield Detector("by-level", "a level for each pixel", detect)

    plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors), "test-by-level")
    try:
        parameters = {"level": np.full(frame.data.shape, 3000.0), "kernel": np.ones((3, 3))}
        crp.clean_cosmic_rays(frame.ccd(), "by-level", mosaic="RGGB", preflight="off", **parameters)
    finally:
        plugins.unregister("test-by-level")
    assert seen == [((256, 256), (256, 256), (3, 3))] * 4


def test_without_growth_it_does_not_grow_over_other_colours_either(frame):
    options = {"mosaic": "RGGB", "preflight": "off"}
    grown, plain = (crp.clean_cosmic_rays(frame.ccd(), **options, **more) for more in ({}, {"grow": False}))
    assert hits(plain).sum() < hits(grown).sum()


def test_a_wrong_pattern_is_refused(frame):
    for function in (crp.clean_cosmic_rays, crp.cr_preflight, crp.cr_tune, crp.cr_segments):
        with pytest.raises(crp.CosmicRayError, match="colours of the first 2 x 2 pixels"):
            function(frame.ccd(), mosaic="RGB")


def findings(ccd, **options):
    return {finding.check: finding for finding in crp.cr_preflight(ccd, **options)}


def test_the_preflight_checks_the_planes(frame):
    found = findings(frame.ccd(**MOSAIC))
    assert {found[name].status for name in ("mosaic", "noise", "hot_pixels", "sampling")} == {"ok"}
    assert "colour mosaic RGGB (from BAYERPAT)" in found["mosaic"].message
    assert found["noise"].message.endswith("(planes R/G1/G2/B)")


def test_a_bias_left_in_a_mosaic_is_named_as_such(frame):
    ccd = frame.ccd(**MOSAIC)
    ccd.data = ccd.data + 2000
    noise = findings(ccd)["noise"]
    assert noise.status == "fail"
    assert "a bias of about" in noise.message


def test_the_preflight_says_why_a_frame_is_not_split():
    found = findings(mosaic_frame((256, 256), pattern=None).ccd(**MOSAIC))["mosaic"]
    assert found.status == "ok"
    assert "do not have the pattern of a mosaic" in found.message


def test_it_warns_of_a_pattern_given_for_a_frame_without_one():
    found = findings(mosaic_frame((256, 256), pattern=None).ccd(), mosaic="RGGB")["mosaic"]
    assert (found.status, found.fix) == ("warn", "leave mosaic out")


def test_it_warns_of_a_mosaic_of_which_the_header_says_nothing(frame):
    assert findings(frame.ccd())["mosaic"].status == "warn"
    assert findings(frame.ccd(), mosaic=False)["mosaic"].status == "ok"


def test_it_warns_of_stars_too_sharp_for_a_mosaic():
    found = findings(mosaic_frame(fwhm=1.7).ccd(**MOSAIC))["mosaic"]
    assert found.status == "warn"
    assert "too sharp" in found.message


def test_it_says_that_planes_are_numbered_where_the_header_is_a_pixel_off(frame):
    ccd = frame.ccd(**MOSAIC)
    ccd.data = np.ascontiguousarray(ccd.data[:, 1:])
    found = findings(ccd)
    assert "numbered in reading order" in found["mosaic"].message
    assert found["noise"].message.endswith("(planes 1/2/3/4)")


def test_the_events_are_those_of_the_frame(frame, cleaned):
    segments = cleaned.cr_segments()
    assert np.array_equal(segments.mask, hits(cleaned))
    assert np.mean(segments.table["class"] == "star core?") < 0.05


def test_events_of_a_frame_that_was_not_cleaned_are_found_in_the_planes(frame, cleaned):
    segments = crp.cr_segments(frame.ccd(**MOSAIC))
    assert np.array_equal(segments.mask, hits(cleaned))
    assert np.array_equal(segments.cleaned[segments.mask].astype(np.float32), cleaned.data[segments.mask])


def test_pixels_added_by_hand_are_repaired_from_their_own_colour(frame, cleaned):
    mask = np.zeros(cleaned.shape, dtype=bool)
    mask[300:302, 300:302] = True
    more = crp.add_cosmic_rays(cleaned, mask)
    assert np.allclose(more.data[300:302, 300:302], frame.light[300:302, 300:302], rtol=0.15)


def test_the_tuning_tries_the_planes(frame):
    tuning = crp.cr_tune(frame.ccd(**MOSAIC))
    row = tuning.table[(tuning.table["sigclip"] == tuning.sigclip) & (tuning.table["objlim"] == tuning.objlim)][0]
    assert row["allowed"]
    assert row["completeness"] > 0.85
    visible = np.count_nonzero(frame.events["significance"] > 5)
    assert 0.7 * visible < row["n_events"] < 1.3 * visible
