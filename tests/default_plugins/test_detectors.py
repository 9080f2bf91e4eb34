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
from ccdproc_crplugin.simulate import THICK, Camera

from ..helpers.hit_frames import available_engines, hit_frame, hit_mask, hit_pixels


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
        cleaned = crp.clean_cosmic_rays(ccd, "astroscrappy", readnoise=4, saturation=4100, preflight="off", **options)
        np.testing.assert_array_equal((cleaned.flags & 1) != 0, expected & ~bad)

    def test_the_uncertainty_is_its_variance(self):
        data = noise()
        std = np.full(data.shape, 40.0, dtype=np.float32)
        expected, _ = astroscrappy.detect_cosmics(data, invar=std**2, gain=1, readnoise=4, satlevel=1e9, sigclip=1)
        ccd = CCDData(data, unit="electron", uncertainty=StdDevUncertainty(std))
        cleaned = crp.clean_cosmic_rays(ccd, "astroscrappy", readnoise=4, saturation=1e9, preflight="off", sigclip=1)
        assert expected.any()
        np.testing.assert_array_equal(cleaned.mask, expected)


class TestLacosmic:
    def sky(self, shape=(120, 130), seed=7):
        return np.random.default_rng(seed).normal(300, 18, shape).astype(np.float32)

    def clean(self, data, **options):
        ccd = CCDData(data, unit="electron", mask=options.pop("mask", None))
        return crp.clean_cosmic_rays(ccd, readnoise=4, saturation=1e9, preflight="off", **options)

    def test_the_outermost_pixels_are_searched(self):
        data = self.sky()
        hits = [(row, 5 + 5 * i) for row in (0, 1, 2) for i in range(8)]
        for y, x in hits:
            data[y, x] += 2000
        mask = self.clean(data).mask
        assert all(mask[pixel] for pixel in hits)

    def test_on_demand_they_are_not_and_say_so(self):
        data = self.sky()
        data[1, 50] += 2000
        cleaned = self.clean(data, edges="skip")
        assert not cleaned.mask[1, 50]
        assert cleaned.flags[1, 50] == crp.PixelFlag.NOT_SEARCHED

    @pytest.mark.parametrize("edge", [np.s_[1], np.s_[-2], np.s_[:, 1], np.s_[:, -2]])
    def test_an_edge_with_a_level_of_its_own_is_no_cosmic_ray(self, edge):
        data = self.sky()
        data[edge] += 500
        data[60, 60] += 2000
        cleaned = self.clean(data)
        assert np.argwhere(cleaned.mask).tolist() == [[60, 60]]
        assert np.all(cleaned.flags[edge] == crp.PixelFlag.NOT_SEARCHED)

    @pytest.mark.parametrize("spacing", [2, 4, 9, 11])
    def test_an_edge_that_is_hit_in_many_places_is_no_cosmic_ray(self, spacing):
        data = self.sky()
        data[::spacing, 0] += 2000
        data[60, 60] += 2000
        assert np.argwhere(self.clean(data).mask).tolist() == [[60, 60]]

    def test_a_track_along_an_edge_is_a_cosmic_ray(self):
        data = self.sky()
        length = data.shape[0] // 12
        data[40 : 40 + length, 0] += 2000
        assert self.clean(data).mask[40 : 40 + length, 0].all()

    @pytest.mark.parametrize("value", [np.nan, 1e6, -1e6])
    def test_a_bad_pixel_neither_hides_a_cosmic_ray_beside_it_nor_makes_one(self, value):
        data = self.sky()
        bad = np.zeros(data.shape, dtype=bool)
        bad[40, 40] = bad[80, 60:70] = True
        data[bad] = value
        data[41, 41] += 2000
        expected = np.zeros(data.shape, dtype=bool)
        expected[41, 41] = True
        cleaned = self.clean(data, mask=bad)
        np.testing.assert_array_equal((cleaned.flags & 1) != 0, expected)

    def test_without_a_sigclip_noise_does_not_pass_and_what_is_brighter_does(self):
        data = np.random.default_rng(3).poisson(300, (600, 600)).astype(np.float32)
        data[60, 60] += 8 * 17.5
        kept, published = (self.clean(data, sigclip=sigclip, grow=False) for sigclip in (None, 4))
        assert np.argwhere(kept.mask).tolist() == [[60, 60]]
        assert published.mask.sum() > 5
        assert "CRSIGPIX" not in published.header

    @pytest.mark.parametrize("name", available_engines())
    def test_the_engines_agree_on_what_noise_makes(self, name, monkeypatch):
        data = np.random.default_rng(3).poisson(300, (300, 300)).astype(np.float32)
        data[60:64, 60] += 1000
        expected = self.clean(data)
        monkeypatch.setenv("CCDCR_ENGINE", name)
        found = self.clean(data)
        np.testing.assert_array_equal(found.mask, expected.mask)
        assert found.header["CRNNOISE"] == expected.header["CRNNOISE"]

    @pytest.mark.parametrize("seed", range(4))
    def test_an_event_does_not_grow_along_a_line_of_the_background(self, seed):
        rng = np.random.default_rng(seed)
        rows = np.arange(120)[:, np.newaxis]
        line = np.full((120, 400), 40.0) + 5000 * np.exp(-4 * np.log(2) * ((rows - 60.3) / 1.8) ** 2)
        data = (rng.poisson(line) + rng.normal(0, 4, line.shape)).astype(np.float32)
        hits = (np.full(10, 61), np.arange(20, 400, 40))
        data[hits] += 1500
        nothing = {"mask": np.zeros(data.shape, dtype=bool), "variance": None}
        detect = find_detector("lacosmic").detect
        mask = detect(data, background=line.astype(np.float32), readnoise=4.0, saturation=1e9, **nothing).mask
        assert mask[hits].all()
        mask[60:63, np.add.outer(hits[1], [-1, 0, 1])] = False
        assert mask.sum() <= 2

    @pytest.mark.parametrize(("fwhm", "expected"), [(1.6, 3.7), (3.0, 1.6), (5.0, 1.5)])
    def test_objlim_follows_the_stellar_width(self, fwhm, expected):
        frame = crp.simulate_frame((512, 512), fwhm=fwhm, n_stars=80, seed=3)
        cleaned = crp.clean_cosmic_rays(frame.ccd)
        assert cleaned.header["CROBJLIM"] == pytest.approx(expected, rel=0.25)
        assert "fwhm=" in "".join(cleaned.header["HISTORY"])

    def test_without_stars_it_has_its_stated_value(self):
        assert self.clean(self.sky()).meta["CROBJLIM"] == 3.0

    @pytest.mark.parametrize(
        ("options", "expected"), [({"sepmed": True}, 5.0), ({"fsmode": "convolve"}, 2.0), ({"objlim": 7}, 7.0)]
    )
    def test_other_modes_and_wishes_have_theirs(self, options, expected):
        assert self.clean(self.sky(), **options).meta["CROBJLIM"] == expected

    def test_with_astroscrappys_options_it_gives_astroscrappys_mask(self):
        data = self.sky()
        data[20, 20:30] += 4000
        expected, _ = astroscrappy.detect_cosmics(data, gain=1, readnoise=4, satlevel=1e9)
        options = {"sigclip": 4.5, "objlim": 5, "sepmed": True, "edges": "skip", "grow": False}
        np.testing.assert_array_equal(self.clean(data, **options).mask, expected)

    def test_growth_takes_the_wings_of_a_track(self):
        frame = crp.simulate_frame((256, 256), n_stars=0, n_muons=10, n_worms=5, seed=4)
        found = [crp.clean_cosmic_rays(frame.ccd, grow=grow).mask for grow in (False, True)]
        recall = [(mask & frame.truth).sum() / frame.truth.sum() for mask in found]
        assert recall[1] > recall[0] + 0.02

    def test_it_is_by_context_unless_something_else_is_asked_for(self):
        frame = crp.simulate_frame((256, 256), n_stars=0, n_muons=10, n_worms=5, seed=4)
        default, *same = (
            crp.clean_cosmic_rays(frame.ccd, **asked) for asked in ({}, {"grow": "context"}, {"grow": True})
        )
        for cleaned in same:
            np.testing.assert_array_equal(cleaned.flags, default.flags)
        assert "grow='context'" in "".join(default.header["HISTORY"])

    def test_thresholds_of_growth_are_in_the_history(self):
        grown, not_grown = ("".join(self.clean(self.sky(), grow=grow).meta["HISTORY"]) for grow in ("context", False))
        assert "growth='across a corner 4.0" in grown
        assert "growth=" not in not_grown

    @pytest.mark.parametrize("fwhm", [3.0, 5.0])
    def test_realistic_hits_are_found_and_stars_spared(self, fwhm):
        camera = Camera(chip=THICK, hot_fraction=0)
        frames = [crp.simulate_frame((512, 512), fwhm=fwhm, n_stars=40, camera=camera, seed=seed) for seed in range(3)]
        masks = [crp.clean_cosmic_rays(frame.ccd).mask for frame in frames]
        right = sum((mask & frame.truth).sum() for mask, frame in zip(masks, frames, strict=True))
        flagged, true = sum(mask.sum() for mask in masks), sum(frame.truth.sum() for frame in frames)
        noise = np.sqrt(150 + 6**2)  # sky and read-out; a pixel of the truth holds 2 of it
        charged = sum((mask & (frame.charge > noise / 2)).sum() for mask, frame in zip(masks, frames, strict=True))
        assert charged / flagged >= 0.94
        assert 2 * right / (flagged + true) >= 0.91

    def test_sharp_stars_cost_a_tenth_of_the_false_pixels_of_separable_medians(self):
        camera = Camera(hot_fraction=0)
        rays = {"n_muons": 0, "n_worms": 0, "n_spots": 0}
        frame = crp.simulate_frame((1024, 1024), fwhm=1.6, n_stars=150, camera=camera, seed=1, **rays)
        ours = crp.clean_cosmic_rays(frame.ccd, refine=False, sigclip=5, objlim=5).mask
        settings = {"refine": False, "preflight": "off", "sigclip": 5, "objlim": 5}
        theirs = crp.clean_cosmic_rays(frame.ccd, "astroscrappy", **settings).mask
        assert ours.sum() <= theirs.sum() / 10

    @pytest.mark.parametrize("threads", [1, 2, 5])
    def test_threads_make_no_difference(self, threads):
        data = self.sky((300, 300))
        data[20, 20:30] += 4000
        np.testing.assert_array_equal(self.clean(data, threads=threads).data, self.clean(data).data)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"sigclip": 0}, "sigclip=0; expected a number above 0"),
            ({"sigfrac": -1}, "sigfrac=-1"),
            ({"niter": 0}, "niter=0; expected a whole number of 1 or more"),
            ({"niter": 2.5}, "niter=2.5"),
            ({"edges": "wrap"}, "edges='wrap'"),
            ({"fsmode": "mode"}, "fsmode='mode'"),
            ({"psfmodel": "airy"}, "psfmodel='airy'"),
            ({"psffwhm": 0}, "psffwhm"),
            ({"threads": 0}, "threads=0"),
            ({"background": np.zeros((2, 2))}, "background of shape"),
        ],
    )
    def test_wrong_options_are_refused(self, options, message):
        with pytest.raises(crp.CosmicRayError, match=message):
            self.clean(self.sky(), **options)


class TestMedian:
    def test_it_finds_what_stands_out(self, ccd):
        np.testing.assert_array_equal(crp.clean_cosmic_rays(ccd, "median").mask, hit_mask())

    def test_the_rule_is_that_of_ccdproc_with_the_noise_of_each_pixel(self):
        import ccdproc

        data = noise()
        data[20, 20:30] += 4000
        std = np.full(data.shape, 20.0)
        ccd = CCDData(data, unit="electron", uncertainty=StdDevUncertainty(std))
        cleaned = crp.clean_cosmic_rays(ccd, "median", readnoise=4, preflight="off", thresh=2.5, mbox=7)
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
