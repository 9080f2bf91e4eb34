# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The tracks of a frame: their pieces, lengths, angles and energies.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.simulate import Camera, simulate_frame
from ccdproc_crplugin.simulate.particles import THICK, THIN

from ..helpers.broken_track import broken_track
from ..helpers.track_pixels import line_pixels

pytestmark = pytest.mark.filterwarnings("ignore::ccdproc_crplugin.PreflightWarning")


def frame_with(*pieces, charge=1000.0, **meta):
    """Pieces without noise on a dark frame, and their mask."""
    mask = np.zeros((120, 120), dtype=bool)
    for y, x in pieces:
        mask[y, x] = True
    return CCDData(charge * mask, unit="electron", meta=meta), mask


def table_of(*pieces, bad=None, **known):
    ccd, mask = frame_with(*pieces)
    ccd.mask = bad
    return crp.cr_segments(ccd, mask=mask, **known).table


@pytest.fixture(scope="module")
def segments():
    return broken_track().clean_cosmic_rays(preflight="off").cr_segments()


class TestABrokenTrack:
    def test_is_several_events_of_one_track(self, segments):
        assert (len(segments), segments.n_tracks) == (2, 1)
        assert list(segments.table["track"]) == [1, 1]

    def test_keeps_the_labels_of_its_pieces(self, segments):
        assert list(segments.labels) == list(segments.table["label"]) == [1, 2]
        assert list(segments[1].table["track"]) == [1]
        assert segments[1].n_tracks == 1

    def test_shows_in_the_summary(self, segments):
        assert "2 events of 1 track," in repr(segments)
        assert "track" not in repr(segments[0])

    def test_has_the_length_of_the_whole_on_each_piece(self, segments):
        assert segments.table["track_length"].to_value(u.pix) == pytest.approx([70, 70], abs=1.5)

    def test_may_be_selected_and_put_back_as_one(self, segments):
        track = segments.select(segments.table["track"] == 1)
        assert list(track.labels) == [1, 2]

    def test_is_joined_before_the_cleaning_too(self):
        assert broken_track().cr_segments().n_tracks == 1

    def test_loses_no_energy_in_its_gap(self):
        pixels = line_pixels((20, 40), 70, 20)
        bad = np.zeros((120, 120), dtype=bool)
        bad[:, 50:54] = True
        pieces = pixels[:, pixels[1] < 50], pixels[:, pixels[1] >= 54]
        known = {"pixel_size": 10, "thickness": 20}
        (whole,), broken = table_of(pixels, **known), table_of(*pieces, bad=bad, **known)
        assert list(broken["track"]) == [1, 1]
        assert broken["energy_loss"][0].value == pytest.approx(whole["energy_loss"].value, rel=0.05)


class TestLength:
    @pytest.mark.parametrize("angle", [0, 20, 45, 90, 130])
    def test_goes_from_the_middle_of_the_first_to_that_of_the_last_pixel(self, angle):
        (row,) = table_of(line_pixels((60, 50), 30, angle))
        assert row["track_length"].to_value(u.pix) == pytest.approx(30, abs=1)

    def test_is_nought_for_one_pixel(self):
        (row,) = table_of(line_pixels((60, 50), 0.4, 0))
        assert row["track_length"] == 0 * u.pix

    def test_is_in_microns_where_the_pixel_size_is_known(self):
        assert "chip_length" not in table_of(line_pixels((60, 50), 30, 0)).colnames
        table = table_of(line_pixels((60, 50), 30, 0), pixel_size=10)
        assert table["chip_length"].to_value(u.micron) == pytest.approx(10 * table["track_length"].value)

    def test_has_the_pixel_size_of_the_header(self):
        ccd, mask = frame_with(line_pixels((60, 50), 30, 0), XPIXSZ=5.0)
        table = crp.cr_segments(ccd, mask=mask).table
        assert table["chip_length"].to_value(u.micron) == pytest.approx(5 * table["track_length"].value)

    def test_has_no_microns_where_binned_pixels_are_not_square(self):
        ccd, mask = frame_with(line_pixels((60, 50), 30, 0), XPIXSZ=5.0, XBINNING=2, YBINNING=1)
        assert "chip_length" not in crp.cr_segments(ccd, mask=mask).table.colnames


class TestAngleAndEnergy:
    def test_need_the_thickness(self):
        table = table_of(line_pixels((60, 50), 30, 0), pixel_size=10)
        assert {"zenith_angle", "path_length", "energy_loss"}.isdisjoint(table.colnames)

    def test_follow_from_the_length_and_the_thickness(self):
        (row,) = table_of(line_pixels((60, 50), 30.9, 0), pixel_size=10, thickness=0.3 * u.mm)
        assert row["chip_length"].to_value(u.micron) == pytest.approx(310, abs=20)
        assert row["zenith_angle"].to_value(u.deg) == pytest.approx(45, abs=2)
        assert row["path_length"].to_value(u.micron) == pytest.approx(424, rel=0.05)
        charge = row["sum"].to_value(u.electron)
        assert row["energy_loss"].to_value(u.eV / u.micron) == pytest.approx(3.66 * charge / row["path_length"].value)

    def test_energy_needs_the_gain(self):
        ccd, mask = frame_with(line_pixels((60, 50), 30, 0))
        table = crp.cr_segments(CCDData(ccd.data, unit="adu"), mask=mask, pixel_size=10, thickness=20).table
        assert "energy_loss" not in table.colnames
        assert np.isfinite(table["zenith_angle"]).all()

    def is_known(self, *pieces, bad=None):
        table = table_of(*pieces, bad=bad, pixel_size=10, thickness=20)
        assert (np.isfinite(table["energy_loss"]) == np.isfinite(table["zenith_angle"])).all()
        return bool(np.isfinite(table["zenith_angle"])[0])

    def test_are_not_known_of_spots(self):
        assert not self.is_known(line_pixels((60, 50), 2, 0))

    def test_are_not_known_of_bent_ones(self):
        assert not self.is_known(line_pixels((60, 50), 20, 0), line_pixels((60, 50), 20, 90))

    def test_are_not_known_of_tracks_that_the_edge_cuts_off(self):
        assert not self.is_known(line_pixels((100, 50), 40, 20, (120, 120)))

    def test_are_not_known_of_tracks_that_bad_pixels_cut_off(self):
        bad = np.zeros((120, 120), dtype=bool)
        bad[:, 90:95] = True
        assert not self.is_known(line_pixels((60, 50), 29.6, 0), bad=bad)
        assert self.is_known(line_pixels((50, 50), 29.6, 0), bad=bad)

    @pytest.mark.parametrize("name", ["pixel_size", "thickness"])
    @pytest.mark.parametrize("value", [0, -1, np.nan, "x", 3 * u.s, [1, 2]])
    def test_wrong_sizes_are_refused(self, name, value):
        ccd, mask = frame_with(line_pixels((60, 50), 30, 0))
        with pytest.raises(CosmicRayError, match=f"Found {name}="):
            crp.cr_segments(ccd, mask=mask, **{name: value})

    def test_a_frame_without_events_has_the_columns(self):
        ccd, mask = frame_with()
        table = crp.cr_segments(ccd, mask=mask, pixel_size=10, thickness=20).table
        assert len(table) == 0
        assert {"track", "track_length", "chip_length", "zenith_angle", "energy_loss"} <= set(table.colnames)

    @pytest.mark.parametrize(("chip", "n_muons"), [(THICK, 100), (THIN, 400)])
    def test_muons_lose_what_they_lost(self, chip, n_muons):
        camera, numbers = Camera(chip=chip, hot_fraction=0), {"n_muons": n_muons, "n_worms": 0, "n_spots": 0}
        frame = simulate_frame((700, 700), n_stars=0, tilt=75, camera=camera, sky=1000, seed=4, **numbers)
        cleaned = frame.ccd.clean_cosmic_rays(readnoise=6, saturation=80000, preflight="off")
        table = cleaned.cr_segments(pixel_size=chip.pixel_size, thickness=chip.thickness).table
        loss = table["energy_loss"][np.isfinite(table["energy_loss"])].to_value(u.eV / u.micron)
        assert len(loss) > 30
        true = frame.events[frame.events["length"] > 4 * u.pix]
        way = np.hypot(true["length"].value * chip.pixel_size, chip.thickness)
        assert np.median(loss) == pytest.approx(3.66 * np.median(true["charge"].value / way), rel=0.1)


def broken_and_joined(chip, sky, n_particles, seed):
    """Of tracks that are found in pieces: those to join, those joined, joins that are wrong, and all pieces."""
    camera = Camera(chip=chip, hot_fraction=0, full_well=400_000, gain=6.0)
    numbers = dict(zip(("n_muons", "n_worms", "n_spots"), n_particles, strict=True))
    frame = simulate_frame((1024, 1024), sky=sky, n_stars=30, camera=camera, seed=seed, tilt=60, **numbers)
    frame.ccd.mask = np.zeros(frame.ccd.shape, dtype=bool)
    frame.ccd.mask[:, ::60] = frame.ccd.mask[:, 1::60] = True
    keywords = {"readnoise": 6, "saturation": 350_000, "preflight": "off", "max_fraction": 1}
    segments = frame.ccd.clean_cosmic_rays(**keywords).cr_segments()
    tracks = np.append(0, segments.table["track"])
    labels, true = segments.data[segments.mask], frame.labels[segments.mask]
    pairs = np.unique([labels[true > 0], true[true > 0]], axis=1)
    joined = np.unique([tracks[pairs[0]], pairs[1]], axis=1)
    n_to_join, n_joined = pairs.shape[1] - len(np.unique(pairs[1])), pairs.shape[1] - joined.shape[1]
    n_to_join, n_joined = pairs.shape[1] - len(np.unique(pairs[1])), pairs.shape[1] - joined.shape[1]
    return np.array([n_to_join, n_joined, len(segments) - segments.n_tracks, len(segments)])


@pytest.mark.slow
class TestSimulatedTracks:
    def test_broken_by_columns_and_noise_are_joined(self):
        to_join, joined, n_joins, _ = sum(broken_and_joined(THICK, 3000, (100, 40, 60), seed) for seed in range(3))
        assert joined > 0.6 * to_join > 20
        assert n_joins - joined <= 0.05 * n_joins

    def test_are_seldom_joined_by_chance_at_4000_hits_a_megapixel(self):
        _, joined, n_joins, n_pieces = sum(broken_and_joined(THIN, 150, (1000, 1000, 2000), seed) for seed in range(2))
        assert n_joins - joined < n_pieces / 1000
