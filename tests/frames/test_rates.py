# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How many events to expect, and the verdict on the number found, also where the header lacks values.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from scipy.stats import poisson

import ccdproc_crplugin as crp
from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.frames.cards import read_verdict
from ccdproc_crplugin.frames.rates import (
    MUONS,
    RADIOACTIVE_GLASS,
    VERDICTS,
    Expectation,
    Extent,
    event_rate,
    expected_events,
    extent_of,
    judge,
    verdict_with_reason,
    with_noise,
)


def frame(shape=(4096, 4096), **meta):
    return CCDData(np.broadcast_to(np.float32(100), shape), unit="adu", meta=meta)


def guide_frame(**meta):
    """The frame of the CCD reduction guide: 4096 x 4096 pixels of 9 micron, 90 s."""
    return frame(EXPTIME=90.0, XPIXSZ=9.0, **meta)


def test_the_guides_frame_expects_about_20_muons():
    expectation = expected_events(guide_frame(), altitude=305 * u.m)
    assert (MUONS * expectation.area * expectation.time).to_value(u.one) == pytest.approx(20, abs=1)
    assert expectation.low < 20 < expectation.high
    assert judge(20, expectation) == "plausible"


def test_an_answer_of_thousands_is_too_many_for_the_guides_frame():
    assert judge(2000, expected_events(guide_frame(), altitude=305 * u.m)) == "too many"


def test_rates_measured_with_ccds_lie_within_those_of_their_altitude():
    sea = event_rate(0).value
    assert sea[0] == pytest.approx(0.5)
    assert sea[1] == pytest.approx(3)
    decam = event_rate(2.2 * u.km).value
    assert decam[0] < 2.2 < decam[1]


def test_three_times_as_many_muons_at_four_kilometres():
    assert event_rate(4000).value[0] / event_rate(0).value[0] == pytest.approx(3)


def test_an_unknown_altitude_widens_the_range():
    known, unknown = expected_events(guide_frame(HEIGHT=2344.0)), expected_events(guide_frame())
    assert unknown.low <= known.low < known.high <= unknown.high
    assert (known.missing, unknown.missing) == ((), ("altitude",))


def test_the_range_has_the_poisson_band_of_three_standard_deviations():
    rng = np.random.default_rng(5)
    for exposure in rng.uniform(1, 4000, 20):
        expectation = expected_events(frame((500, 400)), pixel_size=15, exposure=exposure, altitude=0)
        assert expectation.low == poisson.ppf(0.00135, expectation.mean_low)
        assert expectation.high == poisson.ppf(1 - 0.00135, expectation.mean_high)


def test_expected_events_grow_with_exposure_and_readout():
    expectation = expected_events(guide_frame(), readout=30 * u.s)
    assert expectation.time == 120 * u.s
    ratio = expectation.mean_low / expected_events(guide_frame(), readout=0).mean_low
    assert ratio == pytest.approx(4 / 3)


def test_masked_pixels_catch_nothing():
    half = np.zeros((100, 100), dtype=bool)
    half[:50] = True
    ccd = CCDData(np.ones((100, 100)), unit="adu", mask=half)
    assert expected_events(ccd, pixel_size=10).area.to_value(u.cm**2) == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("meta", "area"),
    [
        ({"PIXSIZE1": 10.0, "CCDSUM": "2 2"}, 0.04),
        ({"PIXSIZE1": 10.0, "CCDSUM": "1 4"}, 0.04),
        ({"XPIXSZ": 10.0, "XBINNING": 2, "YBINNING": 2}, 0.01),
    ],
)
def test_binned_pixels_are_larger_unless_the_keyword_counts_the_binning_in(meta, area):
    assert expected_events(frame((100, 100), **meta)).area.to_value(u.cm**2) == pytest.approx(area)


def test_a_camera_with_radioactive_glass_has_a_rate_of_its_own():
    expectation = expected_events(guide_frame(), rate=(1, RADIOACTIVE_GLASS), readout=0)
    assert expectation.mean_high == pytest.approx(204, abs=1)
    assert expectation.missing == ()


@pytest.mark.parametrize(("n_events", "verdict"), [(0, "too few"), (20, "plausible"), (10_000, "too many")])
def test_verdicts(n_events, verdict):
    assert judge(n_events, expected_events(guide_frame(HEIGHT=2000.0))) == verdict
    assert verdict in VERDICTS


@pytest.mark.parametrize(("meta", "missing"), [({"EXPTIME": 90}, "pixel size"), ({"XPIXSZ": 9.0}, "exposure")])
def test_without_pixel_size_or_exposure_no_verdict_is_possible(meta, missing):
    expectation = expected_events(frame(HEIGHT=1000.0, **meta))
    assert expectation.missing == (missing,)
    assert judge(20, expectation) == "cannot tell"
    assert str(expectation) == f"no {missing} in the header"


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixel_size": -1},
        {"pixel_size": 9 * u.s},
        {"altitude": "high"},
        {"exposure": np.nan},
        {"readout": [1, 2]},
        {"rate": 3},
        {"rate": (3, 1)},
        {"pixel_size": 1e30},
        {"altitude": 540e3},
        {"exposure": 1e300},
        {"readout": 1e300},
        {"rate": (1, 1e300)},
    ],
)
def test_what_is_no_such_quantity_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(CosmicRayError, match=f"Found {name}="):
        expected_events(guide_frame(), **wrong)


def hit_frame(n_events, **meta):
    data = np.random.default_rng(1).normal(200, 5, (100, 100))
    data[np.linspace(8, 92, n_events).astype(int), np.linspace(8, 92, n_events).astype(int)] += 3000
    return CCDData(data, unit="electron", meta={"RDNOISE": 5.0, "SATURATE": 6e4, **meta})


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_the_cleaned_header_has_range_and_verdict():
    cleaned = hit_frame(4, XPIXSZ=15.0, EXPTIME=3600.0, HEIGHT=2344.0).clean_cosmic_rays()
    expectation = expected_events(cleaned)
    assert (cleaned.meta["CREXPLO"], cleaned.meta["CREXPHI"]) == (expectation.low, expectation.high)
    assert cleaned.meta["CRVERDCT"] == "plausible"


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_the_header_names_what_is_missing():
    ccd = hit_frame(4)
    ccd.header = crp.simulate_frame((8, 8), dialect="iraf").ccd.header
    cleaned = ccd.clean_cosmic_rays()
    assert cleaned.header["CRVERDCT"] == "cannot tell"
    assert "no pixel size" in cleaned.header.comments["CRVERDCT"]
    assert "CREXPLO" not in cleaned.header


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_a_frame_restored_in_part_is_judged_anew():
    cleaned = hit_frame(9, XPIXSZ=15.0, EXPTIME=1.0, HEIGHT=0.1).clean_cosmic_rays()
    assert cleaned.meta["CRVERDCT"] == "too many"
    assert cleaned.restore_cosmic_rays(labels=range(2, 10)).meta["CRVERDCT"] == "plausible"
    assert "CRVERDCT" not in cleaned.restore_cosmic_rays().meta


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_segments_say_whether_their_number_is_plausible():
    segments = hit_frame(4, XPIXSZ=15.0, EXPTIME=3600.0, HEIGHT=2344.0).cr_segments()
    assert segments.verdict == "plausible"
    assert segments.table.meta["CRVERDCT"] == "plausible"
    assert "; plausible: " in repr(segments)


@pytest.mark.parametrize(
    "nonsense", [1e300, 1e20, 10**400, -1, "N/A", np.nan, np.inf, [90], np.array([90.0, 1.0]), None]
)
@pytest.mark.parametrize("keyword", ["EXPTIME", "PIXSIZE1", "OBSALT", "XBINNING", "CCDSUM"])
def test_nonsense_in_the_header_is_as_if_it_were_missing(keyword, nonsense):
    meta = {"EXPTIME": 90.0, "PIXSIZE1": 9.0, "OBSALT": 305.0}
    without = {name: value for name, value in meta.items() if name != keyword}
    data = np.ones((256, 256), dtype=np.float32)
    found = expected_events(CCDData(data, unit="adu", meta={**meta, keyword: nonsense}))
    assert str(found) == str(expected_events(CCDData(data, unit="adu", meta=without)))


def test_half_a_pixel_is_no_binning():
    data = np.ones((256, 256), dtype=np.float32)
    found = expected_events(CCDData(data, unit="adu", meta={"EXPTIME": 90.0, "PIXSIZE1": 9.0, "XBINNING": 0.5}))
    assert found.area > 0


@pytest.mark.parametrize("wrong", [-1, "5", None, np.nan, 2.5, True])
def test_what_is_no_number_of_events_is_not_judged(wrong):
    with pytest.raises(CosmicRayError, match="Found n_events="):
        judge(wrong, expected_events(guide_frame()))


def test_only_a_frame_is_expected_to_have_events():
    with pytest.raises(CosmicRayError, match="Found ndarray; expected a CCDData"):
        expected_events(np.ones((9, 9)))


def test_very_many_events_have_a_band_too():
    frame = CCDData(np.ones((64, 64)), unit="adu", meta={"EXPTIME": 1e6})
    found = expected_events(frame, pixel_size=1e4, readout=0, rate=(1e4, 1e4))
    assert found.mean_low - found.low == pytest.approx(3 * np.sqrt(found.mean_low), rel=0.01)
    assert found.high - found.mean_high == pytest.approx(3 * np.sqrt(found.mean_high), rel=0.01)


class TestExtent:
    """The pixels of the events and the largest one weigh as well as their number."""

    few = Expectation(0, 9, 1.0, 4.0, None, None)
    unknown = Expectation(None, None, np.nan, np.nan, None, None, ("pixel size",))

    def test_an_event_that_no_particle_makes_is_too_large(self):
        extent = Extent(900, 250000, n_structure=900, largest_impossible=900)
        assert verdict_with_reason(1, self.few, extent) == ("too large", "an event of 900 pixels")
        assert judge(1, self.unknown, extent=extent) == "too large"

    def test_so_are_pixels_most_of_which_are_structure(self):
        assert verdict_with_reason(5, self.few, Extent(90, 250000, 50)) == ("too large", "most pixels are structure")
        assert judge(5, self.few, extent=Extent(90, 250000, 40)) == "plausible"

    @pytest.mark.parametrize("share", [0.021, 0.05, 0.5])
    def test_more_than_two_per_cent_of_the_frame_is_never_plausible(self, share):
        verdict, reason = verdict_with_reason(5, self.few, Extent(int(share * 250000), 250000))
        assert verdict == "too many"
        assert reason == f"{100 * share:.2g} % of the frame"

    def test_but_it_may_be_where_the_rate_reaches_that_as_in_orbit(self):
        orbit = Expectation(500, 3000, 600.0, 2800.0, None, None)
        assert judge(1000, orbit, extent=Extent(6000, 250000)) == "plausible"
        assert judge(1000, orbit, extent=Extent(60000, 250000)) == "too many"

    def test_where_nothing_is_known_a_tenth_of_the_frame_is_too_much(self):
        assert judge(5, self.unknown, extent=Extent(20000, 250000)) == "cannot tell"
        assert judge(5, self.unknown, extent=Extent(30000, 250000)) == "too many"

    def test_tracks_and_spots_count_by_their_number(self):
        y, x = np.array([3, 4, 5, 20]), np.array([3, 4, 5, 20])
        extent = extent_of(y, x, np.array([1, 1, 1, 2]), (100, 100))
        assert extent == Extent(4, 10000, 0, 0)
        assert [judge(n, self.few, extent=extent) for n in (2, 20)] == ["plausible", "too many"]

    def test_a_filled_square_is_measured_as_impossible(self):
        y, x = (part.ravel() for part in np.mgrid[20:35, 20:35])
        assert extent_of(y, x, np.ones(225, dtype=int), (200, 200)) == Extent(225, 40000, 225, 225)

    def test_an_event_along_the_edge_is_structure_but_not_impossible(self):
        y, x = np.zeros(50, dtype=int), np.arange(100, 150)
        assert extent_of(y, x, np.ones(50, dtype=int), (200, 200)) == Extent(50, 40000, 50, 0)


@pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")
def test_header_and_segments_say_why_an_area_is_not_plausible(tmp_path):
    ccd = hit_frame(2, XPIXSZ=15.0, EXPTIME=3600.0, HEIGHT=2344.0)
    ccd.header = fits.Header(ccd.meta)
    cleaned = ccd.clean_cosmic_rays()
    hits = np.zeros(ccd.shape, dtype=bool)
    hits[30:43, 30:43] = True
    larger = crp.add_cosmic_rays(cleaned, hits)
    assert read_verdict(cleaned.meta) == ("plausible", "")
    assert read_verdict(larger.meta) == ("too large", "an event of 169 pixels")
    crp.write_ccd(larger, tmp_path / "frame.fits")
    assert read_verdict(crp.read_ccd(tmp_path / "frame.fits").meta) == ("too large", "an event of 169 pixels")
    segments = larger.cr_segments()
    assert (segments.verdict, segments.table.meta["CRVERDCT"]) == ("too large", "too large")
    assert "structure?" in segments.table["class"]
    assert "square of 10 x 10" in segments.table["rule"][list(segments.table["class"]).index("structure?")]
    label = int(larger.cr_segments().data[40, 40])
    assert read_verdict(larger.restore_cosmic_rays(labels=[label]).meta)[0] == "plausible"


class TestNoise:
    """The events that noise alone makes count beside those of particles."""

    particles = Expectation(15, 60, 30.0, 40.0, None, None)

    def test_the_range_is_that_of_both_together(self):
        noise = with_noise(self.particles, 10.0)
        assert self.particles.low < noise.low < self.particles.low + 10
        assert self.particles.high + 10 < noise.high < self.particles.high + 20
        assert (noise.mean_low, noise.mean_high, noise.noise) == (30.0, 40.0, 10.0)

    @pytest.mark.parametrize(("n_events", "verdict"), [(21, "too few"), (60, "plausible"), (80, "too many")])
    def test_so_many_are_judged(self, n_events, verdict):
        assert judge(n_events, with_noise(self.particles, 10.0)) == verdict

    def test_most_of_them_are_never_plausible(self):
        noise = with_noise(self.particles, 30.0)
        assert verdict_with_reason(45, noise) == ("too many", "noise alone makes 30")
        assert judge(70, with_noise(Expectation(None, None, np.nan, np.nan, None, None), 30.0)) == "cannot tell"

    @pytest.mark.parametrize("n_events", [0, 1, 4])
    def test_few_are_nothing_to_speak_of(self, n_events):
        quiet = with_noise(Expectation(0, 3, 0.1, 0.4, None, None), 2.5)
        assert judge(n_events, quiet) == "plausible"

    def test_a_cleaned_frame_says_how_many(self):
        ccd = hit_frame(4, XPIXSZ=15.0, EXPTIME=3600.0, HEIGHT=2344.0)
        low, default = (ccd.clean_cosmic_rays(sigclip=sigclip, preflight="off").meta for sigclip in (3, None))
        assert low["CRNNOISE"] > 5 > 1 > default["CRNNOISE"]
        assert default["CRSIGPIX"] > 4
        assert "CRSIGPIX" not in low
        assert (low["CRVERDCT"], default["CRVERDCT"]) == ("too many", "plausible")

    def test_events_of_a_search_are_judged_by_the_same_estimate(self):
        ccd = hit_frame(4, XPIXSZ=15.0, EXPTIME=3600.0, HEIGHT=2344.0)
        cleaned = ccd.clean_cosmic_rays(sigclip=3, preflight="off")
        segments = ccd.cr_segments(sigclip=3)
        assert segments.expectation.noise == cleaned.meta["CRNNOISE"]
        assert segments.verdict == cleaned.meta["CRVERDCT"]
        assert "noise alone makes" in repr(segments)


def test_too_little_of_the_frame_searched_gives_no_verdict():
    ccd = CCDData(np.ones((100, 100)), unit="adu", meta={"EXPTIME": 90, "XPIXSZ": 9})
    expected = expected_events(ccd, altitude=0, readout=0)
    assert judge(0, expected, extent=Extent(searched=0.0)) == "cannot tell"
    assert judge(0, expected, extent=Extent(searched=0.4)) == "cannot tell"
    assert judge(0, expected, extent=Extent(searched=0.6)) == "plausible"
