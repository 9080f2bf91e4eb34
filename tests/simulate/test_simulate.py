# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a simulated frame or night promises."""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.table import QTable
from ccdproc import ImageFileCollection
from photutils.psf import fit_fwhm

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.simulate import THICK, THIN, Camera, simulate_frame, simulate_night
from ccdproc_crplugin.simulate.dialects import DIALECTS
from ccdproc_crplugin.simulate.particles import EV_PER_ELECTRON, energy_loss, make_path, muon_direction

SHAPE = (200, 150)
NO_RAYS = {"n_muons": 0, "n_worms": 0, "n_spots": 0}
NO_STARS = {"n_stars": 0, **NO_RAYS}
PERFECT = Camera(hot_fraction=0, pixel_response=0, vignetting=0)


def small(**settings):
    return simulate_frame(SHAPE, **{"n_stars": 20, "n_muons": 5, "n_worms": 5, "n_spots": 5, "seed": 1, **settings})


# -- the frame ----------------------------------------------------------------------------------------


def test_frame_comes_with_its_truth_in_units():
    frame = small()
    assert isinstance(frame.ccd, CCDData)
    assert frame.ccd.unit == u.electron
    assert frame.ccd.data.dtype == np.float32
    assert frame.truth.shape == frame.labels.shape == frame.charge.shape == SHAPE
    assert frame.truth.dtype == bool
    assert frame.events["charge"].unit == frame.stars["flux"].unit == u.electron
    assert frame.events["x"].unit == frame.events["length"].unit == u.pix


def test_result_cannot_be_reassigned():
    with pytest.raises(dataclasses.FrozenInstanceError):
        small().truth = None


def test_same_seed_same_bytes():
    one, two = small(), small()
    assert one.ccd.data.tobytes() == two.ccd.data.tobytes()
    assert one.labels.tobytes() == two.labels.tobytes()
    assert all((one.events == two.events) & (one.events["charge"] == two.events["charge"]))


def test_other_seed_other_frame():
    assert (small().ccd.data != small(seed=2).ccd.data).any()


def test_truth_is_where_the_charge_of_an_event_passes_the_stated_share_of_the_noise():
    frame = small(n_stars=0, camera=PERFECT, sky=100.0, truth_sigma=4.0, exposure=0)
    noise = np.sqrt(100 + PERFECT.readnoise**2)
    assert (frame.charge[frame.truth] > 4 * noise).all()
    # Elsewhere no single event passes it; two faint wings may together.
    assert (frame.charge[~frame.truth] <= 4 * noise).mean() > 0.999


def test_labels_are_the_rows_of_the_events():
    frame = small()
    np.testing.assert_array_equal(frame.labels > 0, frame.truth)
    numbers, n_pixels = np.unique(frame.labels[frame.truth], return_counts=True)
    listed = dict(zip(frame.events["label"], frame.events["n_pixels"], strict=True))
    # Where events cross, the later one has the pixel.
    assert all(0 < n <= listed[number] for number, n in zip(numbers, n_pixels, strict=True))


def test_events_hold_all_the_charge():
    frame = small()
    assert frame.events["charge"].sum().value == pytest.approx(frame.charge.sum(dtype=float))


def test_frame_without_cosmic_rays_has_an_empty_table():
    frame = small(**NO_STARS)
    assert len(frame.events) == 0
    assert frame.events.colnames == small().events.colnames
    assert not frame.truth.any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "photon"}, "Found unit='photon'; expected one of: 'electron', 'adu'"),
        (
            {"dialect": "latin"},
            "Found dialect='latin'; expected one of: 'eso', 'ing', 'iraf', 'maximdl', 'nina', 'plain'",
        ),
        ({"corrected": ("sky",)}, r"Found corrected=\('sky',\); expected a tuple of some of bias, dark, flat"),
    ],
)
def test_unknown_settings_are_named_with_the_known_ones(settings, message):
    with pytest.raises(CosmicRayError, match=message):
        small(**settings)


def test_frame_without_pixels_is_refused():
    with pytest.raises(CosmicRayError, match="expected rows and columns"):
        simulate_frame((0, 5))


# -- light and camera ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sky", [5.0, 150.0, 3000.0])
def test_calibrated_sky_has_its_level_and_noise(sky):
    data = small(sky=sky, camera=PERFECT, exposure=0, **NO_STARS).ccd.data
    conversion = PERFECT.gain**2 / 12  # of rounding to whole ADU
    assert data.mean() == pytest.approx(sky, abs=0.3 + 0.01 * sky)
    assert data.var() == pytest.approx(sky + PERFECT.readnoise**2 + conversion, rel=0.05)


def test_raw_frame_is_what_the_converter_gives():
    raw = small(corrected=(), unit="adu").ccd
    assert raw.data.dtype == np.uint16
    assert raw.unit == u.adu
    assert np.median(raw.data) == pytest.approx(1000 + 150 / 1.5, rel=0.05)


def test_each_correction_undoes_its_own_effect():
    camera = Camera(bias_level=500, dark_current=1.0, hot_fraction=0, vignetting=0.2)
    settings = {"sky": 1000.0, "exposure": 100.0, "camera": camera, **NO_STARS}
    levels = {
        corrected: np.median(small(corrected=corrected, **settings).ccd.data[90:110, 65:85])
        for corrected in [("bias", "dark", "flat"), ("dark", "flat"), ("bias", "flat")]
    }
    assert levels["bias", "dark", "flat"] == pytest.approx(1000, rel=0.02)
    assert levels["dark", "flat"] == pytest.approx(1000 + 500 * camera.gain, rel=0.02)
    assert levels["bias", "flat"] == pytest.approx(1000 + 100, rel=0.02)
    corner = small(corrected=("bias", "dark"), **settings).ccd.data[:10, :10]
    assert np.median(corner) == pytest.approx(800, rel=0.05)


def test_fixed_patterns_are_the_camera_s_not_the_frame_s():
    camera = Camera()
    np.testing.assert_array_equal(camera.flat(SHAPE), Camera().flat(SHAPE))
    assert (camera.dark(SHAPE) != Camera(seed=1).dark(SHAPE)).any()
    assert camera.flat(SHAPE).std() > 0.01


def test_hot_pixels_are_as_many_as_asked():
    dark = Camera(hot_fraction=0.01).dark((300, 300))
    assert (dark > 0.02).mean() == pytest.approx(0.01, rel=0.2)


def test_saturated_star_bleeds_along_its_column_and_loses_no_charge():
    charge = np.zeros((100, 9))
    charge[50, 4] = 10.3 * 1000
    spilt = Camera(full_well=1000).spill(charge)
    assert spilt.max() <= 1000
    assert spilt.sum() == pytest.approx(10_300)
    assert np.count_nonzero(spilt[:, 4]) == 11
    assert spilt[:, [3, 5]].sum() == 0


def test_stars_have_their_flux_and_width():
    frame = simulate_frame((101, 101), sky=0, fwhm=4, n_stars=1, flux_range=(5e5, 5.1e5), camera=PERFECT, **NO_RAYS)
    assert frame.ccd.data.sum() == pytest.approx(frame.stars["flux"][0].value, rel=0.1)
    place = (frame.stars["x"][0].value, frame.stars["y"][0].value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fwhm = fit_fwhm(frame.ccd.data, xypos=place, fwhm=4, fit_shape=(11, 11))
    # A Gaussian fitted to a Moffat profile of slope 3 comes out an eighth too wide.
    assert fwhm[0] == pytest.approx(4 * 1.12, rel=0.03)


def test_galaxies_add_light():
    plain, galaxies = small(**NO_STARS), small(n_galaxies=5, **NO_STARS)
    assert galaxies.ccd.data.sum() > plain.ccd.data.sum() + 1000


# -- cosmic rays --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("thickness", "per_micron"), [(15, 62), (300, 77)])
def test_muons_lose_most_probably_what_theory_says(thickness, per_micron):
    rng = np.random.default_rng(1)
    electrons = [energy_loss(thickness, 1.0, rng).sum() / EV_PER_ELECTRON / thickness for _ in range(3000)]
    counts, edges = np.histogram(electrons, bins=np.arange(30, 150, 8))
    assert edges[counts.argmax()] - 4 < per_micron < edges[counts.argmax()] + 12
    assert np.mean(electrons) > np.median(electrons)  # a tail to large losses


def test_muons_come_from_above():
    rng = np.random.default_rng(1)
    cosine = np.array([muon_direction(0, rng)[2] for _ in range(3000)])
    # Intensity goes as cos^2, the number through a horizontal chip as cos^3 of the zenith angle: mean 4 / 5.
    assert cosine.mean() == pytest.approx(0.8, abs=0.02)


def test_muon_is_straight_and_crosses_the_whole_chip():
    path = make_path("muon", THICK, SHAPE, np.random.default_rng(3))
    turn = np.diff(path.x)[1:] * np.diff(path.y)[:-1] - np.diff(path.y)[1:] * np.diff(path.x)[:-1]
    assert np.abs(turn).max() < 1e-6
    assert np.ptp(path.depth) > 0.9 * THICK.thickness


def test_worm_winds_and_spends_at_most_its_energy():
    rng = np.random.default_rng(5)
    paths = [make_path("worm", THICK, (200, 200), rng) for _ in range(50)]
    assert max(path.electrons.sum() for path in paths) <= 1250e3 / EV_PER_ELECTRON
    longest = max(paths, key=lambda path: path.x.size)
    reach = np.hypot(np.ptp(longest.x), np.ptp(longest.y))
    assert longest.length > 1.1 * reach


def test_thick_chip_shows_longer_tracks_of_more_charge():
    kind = {"n_muons": 40, "n_worms": 0, "n_spots": 0, "n_stars": 0}
    thin, thick = (small(camera=Camera(chip=chip), **kind).events for chip in (THIN, THICK))
    assert np.median(thick["length"]) > 5 * np.median(thin["length"])
    assert np.median(thick["charge"]) > 5 * np.median(thin["charge"])


def test_spots_are_compact():
    events = small(n_stars=0, n_muons=0, n_worms=0, n_spots=50).events
    assert set(events["kind"]) == {"spot"}
    assert events["n_pixels"].max() <= 12


# -- headers and nights -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "keyword", "value"),
    [
        ("plain", "IMAGETYP", "BIAS"),
        ("iraf", "IMAGETYP", "zero"),
        ("maximdl", "IMAGETYP", "Bias Frame"),
        ("ing", "OBSTYPE", "BIAS"),
        ("eso", "ESO DPR TYPE", "BIAS"),
        ("nina", "IMAGETYP", "BIAS"),
    ],
)
def test_header_speaks_its_dialect(dialect, keyword, value):
    assert small(kind="bias", dialect=dialect).ccd.header[keyword] == value


#: What cameras and programs write where others write LIGHT; ESO writes no IMAGETYP.
LIGHT = {"iraf": "object", "maximdl": "Light Frame", "ing": "object", "eso": None}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_light_frame_is_called_light_where_no_camera_writes_another_word(dialect):
    assert small(dialect=dialect).ccd.header.get("IMAGETYP") == LIGHT.get(dialect, "LIGHT")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.filterwarnings("error")
def test_header_of_every_dialect_is_written_and_read_without_a_warning(dialect, tmp_path):
    small(dialect=dialect).ccd.write(tmp_path / "frame.fits")
    assert CCDData.read(tmp_path / "frame.fits").shape == SHAPE
    with fits.open(tmp_path / "frame.fits") as hdus:
        hdus.verify("exception")


def test_night_holds_raw_frames_and_the_truth_beside_them(tmp_path):
    table = simulate_night(
        tmp_path / "night", n_bias=2, n_dark=1, n_flat=1, n_light=2, shape=(64, 64), n_stars=5, seed=3
    )
    assert list(table["kind"]) == ["bias", "bias", "dark", "flat", "light", "light"]
    collection = ImageFileCollection(tmp_path / "night")
    assert sorted(set(collection.summary["imagetyp"])) == ["BIAS", "DARK", "FLAT", "LIGHT"]
    for row in table:
        assert fits.getdata(row["file"]).dtype == np.uint16
        labels = fits.getdata(row["truth"], "LABELS")
        assert (labels > 0).sum() == row["n_pixels"]
    events = QTable.read(tmp_path / "night" / "truth" / "light_001_events.ecsv")
    assert events["charge"].unit == u.electron


def test_the_truth_is_compressed_without_loss(tmp_path):
    scene = {"n_stars": 5, "n_muons": 5, "n_worms": 5, "n_spots": 5}
    (row,) = simulate_night(tmp_path, n_bias=0, n_dark=0, n_flat=0, n_light=1, shape=SHAPE, seed=1, **scene)
    frame = simulate_frame(SHAPE, corrected=(), unit="adu", seed=[1, 3, 1], **scene)
    with fits.open(row["truth"]) as hdus:
        np.testing.assert_array_equal(hdus["TRUTH"].data, frame.truth)
        np.testing.assert_array_equal(hdus["LABELS"].data, frame.labels)
        np.testing.assert_array_equal(hdus["CHARGE"].data, frame.charge)
    assert Path(row["truth"]).stat().st_size < np.prod(SHAPE)


def test_the_lamp_of_flats_does_not_saturate_a_converter_of_few_bits(tmp_path):
    camera = Camera(bits=12, bias_level=256)
    (row,) = simulate_night(tmp_path, n_bias=0, n_dark=0, n_flat=1, n_light=0, shape=(50, 50), camera=camera)
    assert np.median(fits.getdata(row["file"])) == pytest.approx(4095 / 2, rel=0.1)


def test_same_seed_same_night(tmp_path):
    for name in ("one", "two"):
        simulate_night(tmp_path / name, n_bias=1, n_dark=1, n_flat=0, n_light=1, shape=(50, 50), n_stars=3)
    for path in (tmp_path / "one").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


def test_night_does_not_mix_with_frames_that_are_there(tmp_path):
    (tmp_path / "old.fits").touch()
    with pytest.raises(CosmicRayError, match="already holds FITS files"):
        simulate_night(tmp_path)


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "sky": (-5, np.nan, np.inf, 1e20, "x", None, True),
        "fwhm": (0, -1, 0.1, 1000, np.nan, "3"),
        "beta": (0, 1, -2, np.nan),
        "tilt": (np.nan, np.inf, 500),
        "truth_sigma": (-1, np.nan),
        "exposure": (-3, np.nan, "a"),
        "n_stars": (-1, 2.5, "3", 10**9),
        "n_galaxies": (-1,),
        "n_muons": (-1, 1.5),
        "flux_range": ((-1, 5), (0, 5), (500, 5), (5,), 5, (5, np.inf), "ab", None),
        "shape": (5, "ab", None, (48.5, 40), (3, 4, 5), (-4, 5), (10**6, 10**6)),
        "kind": ("x", None),
        "unit": (None,),
        "dialect": (None, ["iraf"]),
        "corrected": ("bias", None),
        "date": ("nonsense", "a\nb", None),
        "seed": (-1, "a", 1.5),
        "camera": ("x",),
    }.items(),
)
def test_what_no_frame_can_be_made_of_is_refused(name, values):
    for value in values:
        with pytest.raises(CosmicRayError, match=f"^Found {name}="):
            simulate_frame(**{"shape": (48, 40), name: value})


@pytest.mark.parametrize(
    "figure",
    [
        {"gain": 0},
        {"gain": np.nan},
        {"readnoise": -1},
        {"full_well": 0},
        {"bias_level": -5},
        {"bias_level": 70_000},
        {"dark_current": -1},
        {"hot_fraction": 2},
        {"pixel_response": -1},
        {"vignetting": 1},
        {"bits": 64},
        {"bits": 2.5},
        {"seed": -1},
        {"chip": "thick"},
    ],
)
def test_what_is_no_camera_is_refused(figure):
    (name,) = figure
    with pytest.raises(CosmicRayError, match=f"^Found {name}="):
        Camera(**figure)


@pytest.mark.parametrize("figure", [{"thickness": 0}, {"pixel_size": 0}, {"diffusion": -1}, {"thickness": np.nan}])
def test_what_is_no_chip_is_refused(figure):
    with pytest.raises(CosmicRayError, match="expected a number from"):
        dataclasses.replace(THIN, **figure)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_stars": 0, "n_muons": 0, "n_worms": 0, "n_spots": 0},
        {"fwhm": 0.3, "flux_range": (1e6, 1e7)},
        {"fwhm": 0.5},
        {"sky": 0, "exposure": 0},
        {"shape": (1, 1), "n_galaxies": 2},
        {"shape": (1, 50)},
        {"shape": (50, 1)},
        {"tilt": 90},
        {"truth_sigma": 0},
        {"camera": Camera(readnoise=0, bits=8, bias_level=0, full_well=1)},
    ],
)
def test_extremes_give_finite_frames(settings):
    frame = simulate_frame(**{"shape": (32, 24), "n_stars": 5, "seed": 3, **settings})
    assert np.isfinite(frame.ccd.data).all()


@pytest.mark.parametrize(
    "wrong", [{"sky": -5}, {"n_light": -1}, {"n_bias": 2.5}, {"camera": 0}, {"skye": 5}, {"unit": "adu"}]
)
def test_a_night_that_cannot_be_made_leaves_no_folder(tmp_path, wrong):
    with pytest.raises(CosmicRayError):
        simulate_night(tmp_path / "night", shape=(16, 16), **wrong)
    assert not (tmp_path / "night").exists()


def test_a_truth_that_is_there_is_not_written_over(tmp_path):
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "light_001.fits").write_bytes(b"mine")
    with pytest.raises(CosmicRayError, match="already holds FITS files"):
        simulate_night(tmp_path, shape=(16, 16))
    assert (tmp_path / "truth" / "light_001.fits").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", None, "file/below"])
def test_a_folder_that_cannot_be_is_refused(tmp_path, name):
    (tmp_path / "file").touch()
    folder = name if name is None else f"{tmp_path}/{name}"
    with pytest.raises(CosmicRayError, match="can't be made a folder"):
        simulate_night(folder, shape=(16, 16))


@pytest.mark.parametrize("name", ["[ab]*", "-n 5", "a;b $(c)", "\u00e4\n\u2603", "..dots"])
def test_a_folder_may_have_any_name(tmp_path, name):
    night = simulate_night(tmp_path / name, n_bias=1, n_dark=0, n_flat=0, n_light=0, shape=(16, 16))
    assert Path(night["file"][0]).parent == tmp_path / name
    with pytest.raises(CosmicRayError, match="already holds FITS files"):
        simulate_night(tmp_path / name, shape=(16, 16))
