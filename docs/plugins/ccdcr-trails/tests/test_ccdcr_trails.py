# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The detector flags trails, whole and with their wings, and nothing else.
"""

import ccdcr_trails
import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.wcs import WCS
from ccdcr_trails.radon import line_sums

import ccdproc_crplugin as crp
from ccdproc_crplugin.testing import parametrize_with_checks

DETECTOR = next(iter(ccdcr_trails.ccdcr_detectors()))
STEP = next(iter(ccdcr_trails.ccdcr_steps()))

NOISE, SKY = 15.0, 200.0  # electron

NO_HITS = dict.fromkeys(
    [
        "takes_masked_rows_and_columns",
        "takes_a_variance",
        "takes_a_variance_that_includes_the_hits",
        "takes_a_read_noise_of_0",
        "takes_a_known_saturation",
        "takes_infinite_and_missing_values_under_the_mask",
        "finds_bright_events",
        "finds_the_pixels_of_bright_events",
        "finds_hits_in_a_turned_frame",
        "finds_hits_at_the_border_or_says_that_it_does_not_look",
    ],
    "finds trails, no cosmic rays",
)


@parametrize_with_checks([DETECTOR], expected_failures=NO_HITS)
def test_conformance_of_the_detector(subject, check):
    check(subject)


@parametrize_with_checks([STEP])
def test_conformance_of_the_step(subject, check):
    check(subject)


def across_and_along(shape, angle, x0, y0):
    """Distances across and along a line through a point, pixels."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = np.radians(angle)
    return (
        (y - y0) * np.cos(angle) - (x - x0) * np.sin(angle),
        (y - y0) * np.sin(angle) + (x - x0) * np.cos(angle),
    )


def trail(brightness, angle=33.0, x0=240.0, y0=260.0, shape=(500, 520), half_width=2.5):
    """The light of a trail with wings, its middle so many times as bright as the noise."""
    across, _ = across_and_along(shape, angle, x0, y0)
    return brightness * NOISE * (1 + (across / half_width) ** 2) ** -2.0


def frame(light, seed=1, meta=None, **settings):
    """A sky with stars and some light."""
    rng = np.random.default_rng(seed)
    data = rng.normal(SKY, NOISE, light.shape) + light
    y, x = np.mgrid[-7:8, -7:8]
    for _ in range(60):
        row, column = (int(rng.integers(8, side - 8)) for side in light.shape)
        star = 10 ** rng.uniform(2, 4) * np.exp(-(x**2 + y**2) / 4.0)
        data[row - 7 : row + 8, column - 7 : column + 8] += star
    return CCDData(data.astype(np.float32), unit="electron", meta={"RDNOISE": 5.0, **(meta or {})}, **settings)


@pytest.fixture(autouse=True)
def registered():
    """The plugin, also where it is not installed."""
    if "trails" in crp.detectors():
        yield
        return
    crp.plugins.register(ccdcr_trails, "trails")
    crp.install()
    yield
    crp.plugins.unregister("trails")


def flagged(ccd):
    return (crp.clean_cosmic_rays(ccd, "trails", preflight="off").flags & crp.PixelFlag.TRAIL) != 0


@pytest.mark.parametrize("angle", [10, 33, 45, 80, 100, 135, 170])
def test_a_trail_is_found_at_any_angle_with_its_wings(angle):
    light = trail(10, angle)
    found = flagged(frame(light))
    assert found[light > NOISE].mean() > 0.98
    assert not found[light < 0.01 * NOISE].any()


def test_a_trail_below_the_noise_of_a_pixel_is_found():
    light = trail(0.7, half_width=4.0)
    assert flagged(frame(light))[light > 0.4 * NOISE].mean() > 0.95


def test_two_trails_that_cross_are_found():
    both = trail(5, 20) + trail(3, 120)
    assert len(frame(both).find_trails()) == 2


def test_a_wide_trail_out_of_focus_is_flagged_across_its_width():
    across, _ = across_and_along((500, 520), 60, 250, 250)
    light = 5 * NOISE * (np.abs(across) < 9)
    assert flagged(frame(light))[light > 0].mean() > 0.98


def test_a_trail_that_ends_in_the_frame_is_flagged_up_to_its_end():
    _, along = across_and_along((500, 520), 33, 240, 260)
    light = trail(10) * (along < 60)
    found = flagged(frame(light))
    assert found[light > NOISE].mean() > 0.95
    assert not found[(along > 120)].any()


def test_a_trail_over_bad_pixels_is_found_and_they_stay_bad():
    light = trail(10)
    mask = np.zeros(light.shape, dtype=bool)
    mask[:, 100:130] = True
    ccd = frame(light, mask=mask)
    ccd.data[mask] = np.nan
    cleaned = crp.clean_cosmic_rays(ccd, "trails", preflight="off")
    assert np.all(cleaned.flags[mask] == crp.PixelFlag.BAD)
    assert ((cleaned.flags & 16) != 0)[(light > NOISE) & ~mask].mean() > 0.98


def spikes():
    """A star with spikes that fade."""
    light = 0.0
    for angle in (33, 123):
        across, along = across_and_along((500, 520), angle, 240, 260)
        light = light + 3e4 * np.exp(-(across**2) / 3) / (1 + np.abs(along) / 4) ** 2
    return light + 5e4 * (1 + (across**2 + along**2) / 9) ** -1.5


def bleeding():
    """A column of charge that bled from a star."""
    light = np.zeros((500, 520))
    light[100:400, 250:253] = 5e4
    return light


def edge_on_galaxy():
    """A galaxy seen from its edge."""
    across, along = across_and_along((500, 520), 33, 240, 260)
    return 2000 * np.exp(-np.abs(along) / 60 - np.abs(across) / 4)


def edge_of_a_chip():
    """A chip beside another that has a higher level."""
    return 100.0 * (across_and_along((500, 520), 88, 250, 250)[0] > 0)


def ring():
    """A reflection in the optics."""
    y, x = np.mgrid[:500, :520]
    return 100 * np.exp(-(((np.hypot(y - 250, x - 250) - 200) / 3) ** 2))


def fibres():
    """The traces of a spectrograph, a little tilted."""
    across, _ = across_and_along((500, 520), 3, 250, 250)
    return 500 * np.exp(-(((across % 20) - 10) ** 2) / 4)


@pytest.mark.parametrize(
    "scene", [spikes, bleeding, edge_on_galaxy, edge_of_a_chip, ring, fibres, lambda: np.zeros((500, 520))]
)
def test_what_is_no_trail_is_spared(scene):
    assert not flagged(frame(scene())).any()


def test_a_frame_with_a_grating_in_the_beam_is_not_searched():
    cleaned = crp.clean_cosmic_rays(frame(trail(10), meta={"GRATING": "R600"}), "trails", preflight="off")
    assert np.all(cleaned.flags == crp.PixelFlag.NOT_SEARCHED)
    assert len(frame(trail(10), meta={"GRATING": "R600"}).find_trails()) == 0


def test_trails_are_masked_and_keep_their_values():
    ccd = frame(trail(10))
    cleaned = crp.clean_cosmic_rays(ccd, "trails", preflight="off")
    np.testing.assert_array_equal(cleaned.data, ccd.data)
    np.testing.assert_array_equal(cleaned.mask, (cleaned.flags & crp.PixelFlag.TRAIL) != 0)
    assert cleaned.header["CRNPIX"] == 0


def with_a_hit():
    """A frame with a trail and a cosmic ray far from it."""
    light = trail(10)
    light[60, 400:406] += 3000
    return frame(light)


def test_they_come_before_the_cosmic_rays():
    trails = crp.clean_cosmic_rays(with_a_hit(), "trails", preflight="off")
    _check_both(crp.clean_cosmic_rays(trails, force=True, preflight="off", saturation=6e4))


def test_they_come_after_the_cosmic_rays():
    first = crp.clean_cosmic_rays(with_a_hit(), preflight="off", saturation=6e4)
    _check_both(crp.clean_cosmic_rays(first, "trails", force=True, preflight="off"))


def test_the_step_comes_before_or_after_the_cosmic_rays():
    before, _ = STEP.run(with_a_hit())
    _check_both(crp.clean_cosmic_rays(before, preflight="off", saturation=6e4))
    after, tables = STEP.run(crp.clean_cosmic_rays(with_a_hit(), preflight="off", saturation=6e4))
    _check_both(after)
    assert len(tables["trails"]) == after.meta["NTRAILS"] == 1
    assert after.meta["CRDETECT"] == "lacosmic"


def _check_both(cleaned):
    light = trail(10)
    assert np.all(cleaned.flags[60, 400:406] == crp.PixelFlag.COSMIC_RAY)
    assert ((cleaned.flags & crp.PixelFlag.TRAIL) != 0)[light > NOISE].mean() > 0.98
    assert cleaned.mask[light > NOISE].mean() > 0.98
    assert "TRAIL=16" in cleaned.meta["CRFLAGS"]


def test_the_table_has_the_line():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = (10.0, 0.0), (260.5, 250.5), (-1e-4, 1e-4)
    row = frame(trail(10), wcs=wcs).find_trails()[0]
    assert row["angle"].value == pytest.approx(33, abs=0.3)
    assert row["position_angle"].value == pytest.approx(123, abs=0.5)  # west is to the right
    assert row["offset"].value == pytest.approx(
        (249.5 - 260) * np.cos(np.radians(33)) - (259.5 - 240) * np.sin(np.radians(33)), abs=1
    )
    assert row["brightness"].value == pytest.approx(150, rel=0.15)
    assert row["share"] == pytest.approx(1)
    assert 2 <= row["width"].value <= 5
    assert row["masked_width"] > row["width"]


def test_a_frame_without_trails_has_an_empty_table():
    assert len(frame(np.zeros((300, 300))).find_trails()) == 0


@pytest.mark.parametrize("value", [0, 2.9, "six", float("nan")])
def test_a_significance_that_makes_no_sense_is_refused(value):
    with pytest.raises(crp.CosmicRayError, match="least_significance"):
        STEP.run(frame(np.zeros((300, 300))), least_significance=value)


def test_line_sums_are_those_of_the_pixels_on_each_line():
    image = np.random.default_rng(1).integers(0, 9, (1, 8, 8))
    sums = line_sums(image)
    assert sums.shape == (1, 8, 15)
    np.testing.assert_array_equal(sums[0, 0, 7:], image[0].sum(axis=1))
    assert sums[0, 7, 7] == np.trace(image[0])
    np.testing.assert_array_equal(sums.sum(axis=2), np.full((1, 8), image.sum()))
