# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built-in detectors.
"""

import inspect

import astroscrappy
import numpy as np
import pytest
from astropy.nddata import CCDData, StdDevUncertainty
from scipy import ndimage

import ccdproc_crplugin as crp
from ccdproc_crplugin.plugins import detector_parameters, find_detector

from .conftest import hit_frame, hit_mask, hit_pixels


def noise(shape=(60, 70), seed=5):
    return np.random.default_rng(seed).normal(300, 18, shape).astype(np.float32)


class TestAstroscrappy:
    def test_every_parameter_that_is_not_the_hosts_is_there(self):
        theirs = set(inspect.signature(astroscrappy.detect_cosmics).parameters) or set(
            astroscrappy.detect_cosmics.__doc__.split("(")[1]
            .split(")")[0]
            .replace("\n", "")
            .replace(" ", "")
            .split(",")
        )
        theirs = {name.split("=")[0] for name in theirs}
        hosts = {"indat", "inmask", "invar", "gain", "readnoise", "satlevel"}
        assert set(detector_parameters(find_detector("astroscrappy"))) == theirs - hosts

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"sepmed": False},
            {"sigclip": 3, "sigfrac": 0.5, "objlim": 2.0, "niter": 2},
            {"fsmode": "convolve", "psfmodel": "moffat", "psffwhm": 2.0, "objlim": 1.5},
            {"fsmode": "convolve", "psfk": np.ones((5, 5), dtype=np.float32) / 25},
            {"cleantype": "idw"},
            {"inbkg": np.full((60, 70), 30, dtype=np.float32)},
        ],
    )
    def test_the_mask_is_astroscrappys(self, options):
        data = noise()
        data[20, 20:30] += 4000
        bad = np.random.default_rng(0).random(data.shape) < 0.01
        expected, _ = astroscrappy.detect_cosmics(data, inmask=bad, gain=1, readnoise=4, satlevel=4100, **options)
        ccd = CCDData(data, unit="electron", mask=bad)
        cleaned = crp.clean_cosmic_rays(ccd, "astroscrappy", readnoise=4, saturation=4100, **options)
        np.testing.assert_array_equal((cleaned.flags & 1) != 0, expected & ~bad)

    def test_the_uncertainty_is_its_variance(self):
        data = noise()
        std = np.full(data.shape, 40.0, dtype=np.float32)
        expected, _ = astroscrappy.detect_cosmics(data, invar=std**2, gain=1, readnoise=4, satlevel=1e9, sigclip=1)
        ccd = CCDData(data, unit="electron", uncertainty=StdDevUncertainty(std))
        cleaned = crp.clean_cosmic_rays(ccd, "astroscrappy", readnoise=4, saturation=1e9, sigclip=1)
        assert expected.any()
        np.testing.assert_array_equal(cleaned.mask, expected)


class TestMedian:
    def test_it_finds_what_stands_out(self, ccd):
        np.testing.assert_array_equal(crp.clean_cosmic_rays(ccd, "median").mask, hit_mask())

    def test_the_rule_is_that_of_ccdproc_with_the_noise_of_each_pixel(self):
        import ccdproc

        data = noise()
        data[20, 20:30] += 4000
        std = np.full(data.shape, 20.0)
        ccd = CCDData(data, unit="electron", uncertainty=StdDevUncertainty(std))
        cleaned = crp.clean_cosmic_rays(ccd, "median", readnoise=4, thresh=2.5, mbox=7)
        _, expected = ccdproc.cosmicray_median(data, error_image=std, thresh=2.5, mbox=7)
        inside = (slice(4, -4), slice(4, -4))
        np.testing.assert_array_equal(cleaned.mask[inside], expected[inside])

    def test_without_an_uncertainty_the_noise_is_that_of_photons_and_read_out(self, ccd):
        found = crp.clean_cosmic_rays(ccd, "median", thresh=5).mask
        electrons = (hit_pixels().astype("f4") * 2).astype("f4")
        median = ndimage.median_filter(electrons, 11, mode="mirror")
        np.testing.assert_array_equal(found, electrons - median > 5 * np.sqrt(median + 25))

    @pytest.mark.parametrize("gbox", [0, 1, 3])
    def test_hits_can_be_grown(self, ccd, gbox):
        mask = crp.clean_cosmic_rays(ccd, "median", gbox=gbox).mask
        expected = ndimage.maximum_filter(hit_mask(), size=gbox) if gbox > 1 else hit_mask()
        np.testing.assert_array_equal(mask, expected)

    def test_a_frame_of_zeros_without_read_noise_has_none(self):
        ccd = CCDData(np.zeros((30, 30)), unit="electron")
        assert not crp.clean_cosmic_rays(ccd, "median", readnoise=0).mask.any()


@pytest.mark.parametrize("name", ["lacosmic", "astroscrappy", "median"])
class TestAll:
    def test_a_worm_on_a_sky_is_found(self, name):
        ccd = hit_frame()
        worm = np.array([(40, 10), (40, 11), (41, 12), (42, 12), (43, 11), (43, 10), (42, 9)])
        ccd.data[worm[:, 0], worm[:, 1]] += 800
        found = crp.clean_cosmic_rays(ccd, name).mask
        assert found[worm[:, 0], worm[:, 1]].all()

    def test_nothing_is_found_in_noise(self, name):
        ccd = CCDData(noise((200, 200)), unit="electron")
        assert crp.clean_cosmic_rays(ccd, name, readnoise=5, saturation=1e9).mask.mean() < 1e-4

    def test_it_says_what_it_does_in_a_line(self, name):
        summary = find_detector(name).summary
        assert 10 < len(summary) < 100
        assert "\n" not in summary
