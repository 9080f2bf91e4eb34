# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The cosmic rays of a frame one by one.
"""

import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import CCDData
from astropy.table import QTable
from scipy import ndimage

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.events.classify import RULES, Surroundings, classify

from ..helpers.hit_frames import hit_frame, hit_mask


def empty_frame():
    return CCDData(np.full((30, 30), 100.0), unit="electron", meta={"RDNOISE": 5})


@pytest.fixture
def segments(cleaned):
    return crp.cr_segments(cleaned)


class TestEvents:
    def test_there_is_one_for_each_group_of_pixels(self, segments):
        assert len(segments) == segments.n_events == 3

    def test_the_labels_start_at_one_and_cover_the_mask(self, segments):
        np.testing.assert_array_equal(segments.data > 0, hit_mask())
        assert sorted(set(segments.data.ravel())) == [0, 1, 2, 3]

    def test_the_segmentation_is_that_of_photutils(self, segments):
        from photutils.segmentation import SegmentationImage

        assert isinstance(segments.segmentation, SegmentationImage)
        np.testing.assert_array_equal(segments.segmentation.data, segments.data)

    def test_areas_and_slices_go_with_the_labels(self, segments):
        assert list(segments.areas) == [1, 6, 1]
        assert segments.slices[1] == (slice(20, 26), slice(25, 31))

    def test_corners_connect_or_do_not(self, cleaned):
        assert len(crp.cr_segments(cleaned, connectivity=8)) == 3
        assert len(crp.cr_segments(cleaned, connectivity=4)) == 8

    def test_small_events_are_counted_whatever_n_pixels(self, cleaned):
        assert len(crp.cr_segments(cleaned, n_pixels=100)) == 3

    @pytest.mark.parametrize(("n_pixels", "fraction"), [(1, 1.0), (3, 0.75), (7, 0.0)])
    def test_extended_fraction_is_the_share_of_pixels_in_large_events(self, cleaned, n_pixels, fraction):
        assert crp.cr_segments(cleaned, n_pixels).extended_fraction == fraction


class TestWhereTheyComeFrom:
    def test_from_the_flags_of_a_cleaned_frame(self, cleaned):
        cleaned.mask = np.ones(cleaned.shape, dtype=bool)
        np.testing.assert_array_equal(crp.cr_segments(cleaned).mask, hit_mask())

    def test_from_the_mask_that_is_given(self, cleaned):
        mask = np.zeros(cleaned.shape, dtype=bool)
        mask[4, 4:9] = True
        assert len(crp.cr_segments(cleaned, mask=mask)) == 1

    def test_else_they_are_looked_for_and_the_frame_stays_raw(self, ccd):
        before = ccd.data.copy()
        np.testing.assert_array_equal(crp.cr_segments(ccd).mask, hit_mask())
        np.testing.assert_array_equal(ccd.data, before)
        assert ccd.flags is None

    def test_by_the_detector_named_with_its_parameters(self, ccd):
        assert len(crp.cr_segments(ccd, detector="median", thresh=1e6)) == 0

    def test_the_charge_is_the_same_before_and_after_the_cleaning(self, ccd, cleaned):
        before, after = crp.cr_segments(ccd).table, crp.cr_segments(cleaned).table
        np.testing.assert_allclose(before["sum"].value, after["sum"].value, rtol=1e-6)

    def test_a_cleaned_frame_that_kept_only_its_flags_has_events_without_their_charge(self, cleaned):
        copied = cleaned.copy()
        copied.flags = cleaned.flags
        segments = crp.cr_segments(copied)
        assert len(segments) == 3
        assert np.all(np.isnan(segments.table["sum"]))

    @pytest.mark.parametrize("change", [lambda ccd: ccd.copy(), lambda ccd: ccd[5:, 5:]], ids=["copy", "slice"])
    def test_a_cleaned_frame_that_lost_its_flags_is_refused(self, cleaned, change):
        lost = change(cleaned)
        lost.flags = None
        with pytest.raises(CosmicRayError, match=r"without its flags.*A slice or a copy.*read_ccd"):
            crp.cr_segments(lost)

    @pytest.mark.parametrize("wish", [{"sigclip": 8}, {"gain": 2}, {"detector": "median"}])
    def test_a_search_on_a_cleaned_frame_is_refused(self, cleaned, wish):
        with pytest.raises(CosmicRayError, match=f"'{next(iter(wish))}' for a frame that was cleaned already"):
            crp.cr_segments(cleaned, **wish)

    def test_foreign_flags_are_not_taken_for_cosmic_rays(self, ccd):
        ccd.flags = np.ones(ccd.shape, dtype=np.uint8)
        assert len(crp.cr_segments(ccd)) == 3


class TestTable:
    def test_it_has_a_row_an_event_and_units(self, segments):
        table = segments.table
        assert isinstance(table, QTable)
        assert list(table["label"]) == [1, 2, 3]
        assert table["sum"].unit == table["peak"].unit == u.electron
        assert table["area"].unit == table["length"].unit == u.pix
        assert table["orientation"].unit == u.deg
        assert table["ixx"].unit == u.pix**2

    def test_the_charge_is_in_electron(self, segments):
        assert segments.table["sum"][0].value == pytest.approx(3000 * 2, rel=0.02)
        assert segments.table["sum"][1].value == pytest.approx(6 * 1500 * 2, rel=0.02)

    def test_without_a_gain_the_charge_stays_in_adu(self):
        ccd = CCDData(hit_frame().data, unit="adu")
        assert crp.cr_segments(ccd, mask=hit_mask()).table["sum"].unit == u.adu

    def test_every_column_says_what_it_holds(self, segments):
        assert all(segments.table[name].info.description for name in segments.table.colnames)

    def test_positions_and_bounds_are_of_the_pixels(self, segments):
        row = segments.table[1]
        assert (row["x"].value, row["y"].value) == pytest.approx((27.5, 22.5))
        assert (row["xmin"], row["xmax"], row["ymin"], row["ymax"]) == (25, 30, 20, 25)

    def test_a_diagonal_track_lies_at_45_degrees(self, segments):
        row = segments.table[1]
        assert row["orientation"].to_value(u.deg) == pytest.approx(45)
        assert row["length"].value == pytest.approx(6 * 2**0.5, rel=0.05)
        assert row["ixy"] > 0

    @pytest.mark.parametrize("n", [3, 5, 20])
    def test_a_straight_track_is_as_long_as_its_pixels(self, ccd, n):
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[10, 10 : 10 + n] = True
        row = crp.cr_segments(ccd, mask=mask).table[0]
        assert (row["length"].value, row["width"].value) == pytest.approx((n, 1))

    def test_a_bar_has_no_direction_and_a_dot_no_angle(self, ccd):
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[10, 10] = True
        mask[30, 30], mask[31, 29], mask[32, 28] = True, True, True
        angles = crp.cr_segments(ccd, mask=mask).table["orientation"].to_value(u.deg)
        np.testing.assert_allclose(angles, [np.nan, -45])

    def test_events_at_the_edge_say_so(self, ccd):
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[0, 5] = mask[20, 20] = mask[49, 30] = True
        assert list(crp.cr_segments(ccd, mask=mask).table["touches_edge"]) == [True, False, True]

    def test_events_beside_bad_pixels_say_so(self, ccd):
        ccd.mask = np.zeros(ccd.shape, dtype=bool)
        ccd.mask[11, 13] = True
        assert list(crp.cr_segments(ccd, mask=hit_mask()).table["touches_bad"]) == [True, False, False]

    def test_the_rule_stands_beside_the_class(self, segments):
        for row in segments.table:
            assert row["rule"] == RULES[row["class"]]

    def test_its_columns_match_photutils(self, segments):
        from photutils.segmentation import SourceCatalog

        sources = SourceCatalog(segments.removed_charge, segments.segmentation)
        np.testing.assert_allclose(segments.table["sum"].value, sources.segment_flux)
        np.testing.assert_array_equal(segments.table["area"].value, sources.area.value)


class TestClasses:
    CALM = Surroundings(ring=0.0, ring_error=1.0, noise=3.0)

    @pytest.mark.parametrize(
        ("expected", "measured"),
        [
            ("spot", (4, 500.0, 2.0, 2.0, 1.0, CALM)),
            ("spot", (1, 60.0, 1.0, 1.0, 1.0, CALM)),
            ("spot", (2, 500.0, 2.0, 1.0, 2.0, CALM)),
            ("track", (3, 500.0, 3.0, 1.0, 3.0, CALM)),
            ("track", (40, 500.0, 20.0, 2.0, 10.0, CALM)),
            ("worm", (12, 500.0, 8.0, 5.0, 1.6, CALM)),
            ("hot pixel?", (1, 500.0, 1.0, 1.0, 1.0, CALM)),
            ("spot", (1, 500.0, 1.0, 1.0, 1.0, Surroundings(40.0, 10.0, 3.0))),
            ("star core?", (5, 500.0, 3.0, 2.0, 1.5, Surroundings(200.0, 1.0, 3.0))),
        ],
    )
    def test_each_rule_gives_its_class(self, expected, measured):
        assert classify(*measured) == expected

    def test_a_clipped_star_is_suspected(self):
        y, x = np.mgrid[:41, :41]
        star = 20000 * np.exp(-((x - 20) ** 2 + (y - 20) ** 2) / (2 * 1.2**2)) + 100
        mask = np.zeros(star.shape, dtype=bool)
        mask[20, 20] = True
        ccd = CCDData(star, unit="electron")
        assert crp.cr_segments(ccd, mask=mask).table["class"][0] == "star core?"

    def test_a_single_bright_pixel_is_suspected_hot(self, segments):
        assert list(segments.table["class"]) == ["hot pixel?", "track", "hot pixel?"]


class TestNoEvent:
    @pytest.fixture
    def nothing(self):
        return crp.cr_segments(empty_frame().clean_cosmic_rays())

    def test_it_is_empty_and_not_none(self, nothing):
        assert len(nothing) == 0
        assert nothing.segmentation is None
        assert not nothing.data.any()
        assert nothing.data.shape == (30, 30)
        assert list(nothing.areas) == nothing.slices == nothing.cutouts() == []
        assert nothing.extended_fraction == 0

    def test_the_table_has_its_columns(self, nothing, segments):
        assert nothing.table.colnames == segments.table.colnames
        assert len(nothing.table) == 0

    def test_it_can_be_shown_and_written(self, nothing, tmp_path):
        assert "0 events" in repr(nothing)
        assert "<table" in nothing._repr_html_()
        assert len(QTable.read(nothing.write(tmp_path / "events.ecsv"))) == 0
        pytest.importorskip("regions")
        assert len(nothing.to_regions()) == 0

    def test_a_page_of_nothing_is_refused(self, nothing):
        with pytest.raises(CosmicRayError, match="no event to plot"):
            nothing.plot()


class TestPictures:
    def test_cutouts_hold_mask_frame_and_cleaned(self, segments, ccd, cleaned):
        cut = segments.cutouts(11)[0]
        assert list(cut.images) == ["mask", "frame", "cleaned"]
        np.testing.assert_array_equal(cut.images["frame"], ccd.data[5:16, 7:18])
        np.testing.assert_array_equal(cut.images["cleaned"], cleaned.data[5:16, 7:18])
        assert cut.images["mask"].sum() == 1
        assert cut.corner == (5, 7)

    def test_further_frames_are_cut_alike(self, segments, ccd):
        cut = segments.cutouts(5, labels=[3], frames={"dark": ccd})[0]
        np.testing.assert_array_equal(cut.images["dark"], ccd.data[28:33, 38:43])

    def test_at_the_edge_they_are_padded(self, ccd):
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[0, 0] = True
        image = crp.cr_segments(ccd, mask=mask).cutouts(9)[0].images["frame"]
        assert image.shape == (9, 9)
        assert np.isnan(image[:4]).all()
        assert np.isfinite(image[4:, 4:]).all()

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"size": 0}, "size=0"),
            ({"size": 2.5}, "size=2.5"),
            ({"labels": [4]}, "label 4; expected whole numbers from 1 to 3"),
            ({"frames": {"dark": np.zeros((2, 2))}}, r"frame 'dark' of shape \(2, 2\)"),
        ],
    )
    def test_wrong_wishes_are_refused(self, segments, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            segments.cutouts(**keywords)

    def test_a_page_has_a_row_an_event_and_a_column_a_frame(self, segments, ccd):
        page = segments.plot(frames={"dark $1$": ccd})
        assert len(page.axes) == 3 * 4
        assert page.axes[3].texts[0].get_text() == r"dark \$1\$"

    def test_a_row_has_one_stretch(self, segments):
        frame, cleaned = segments.plot([2]).axes[1:3]
        assert frame.images[0].get_clim() == cleaned.images[0].get_clim()

    def test_the_largest_events_come_first(self, segments):
        assert segments.plot(n_rows=1).axes[0].get_title(loc="left").startswith("2: track")

    @pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
    def test_a_page_can_be_saved(self, segments, tmp_path, ending):
        from ccdproc_crplugin.events.gallery import save_page

        assert save_page(segments.plot(), tmp_path / f"page.{ending}").stat().st_size > 1000

    def test_a_page_of_another_kind_is_refused(self, segments, tmp_path):
        from ccdproc_crplugin.events.gallery import save_page

        with pytest.raises(CosmicRayError, match=r"'page.xyz'; expected one that ends in .png"):
            save_page(segments.plot(), tmp_path / "page.xyz")


class TestWriting:
    @pytest.mark.parametrize("ending", [".ecsv", ".fits"])
    def test_the_table_comes_back(self, segments, tmp_path, ending):
        table = QTable.read(segments.write(tmp_path / f"events{ending}"))
        assert table.colnames == segments.table.colnames
        np.testing.assert_array_equal(table["sum"], segments.table["sum"])

    def test_an_existing_file_is_kept(self, segments, tmp_path):
        segments.write(tmp_path / "events.ecsv")
        with pytest.raises(CosmicRayError, match="there already"):
            segments.write(tmp_path / "events.ecsv")

    def test_other_endings_are_refused(self, segments, tmp_path):
        with pytest.raises(CosmicRayError, match=r"'events.xls'; expected one that ends in .ecsv"):
            segments.write(tmp_path / "events.xls")

    def test_the_regions_lie_on_the_events(self, segments):
        regions = pytest.importorskip("regions")
        made = segments.to_regions()
        assert isinstance(made, regions.Regions)
        assert [region.meta["text"] for region in made] == ["1", "2", "3"]
        assert (made[1].center.x, made[1].center.y) == pytest.approx((27.5, 22.5))
        assert "box" in made.serialize(format="ds9")

    def test_without_the_package_regions_the_message_names_it(self, segments, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "regions", None)
        with pytest.raises(CosmicRayError, match="pip install regions"):
            segments.to_regions()

    def test_it_pickles(self, segments):
        again = pickle.loads(pickle.dumps(segments))
        np.testing.assert_array_equal(again.data, segments.data)
        assert again.table["class"][1] == "track"

    def test_it_shows_itself_in_a_notebook(self, segments):
        assert segments._repr_html_().startswith("<p>&lt;CRSegments: 3 events, 8 pixels")


@pytest.mark.parametrize("connectivity", [4, 8])
def test_labels_are_those_of_scipy(connectivity):
    from ccdproc_crplugin.kernels.labels import label_pixels

    structure = ndimage.generate_binary_structure(2, 1 if connectivity == 4 else 2)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mask = rng.random(rng.integers(1, 30, 2)) < rng.random()
        y, x = np.nonzero(mask)
        expected, _ = ndimage.label(mask, structure=structure)
        np.testing.assert_array_equal(label_pixels(y, x, mask.shape, connectivity), expected[y, x])


class TestComparison:
    def test_two_cleanings_are_compared_by_their_cosmic_rays(self, ccd, cleaned):
        other = crp.clean_cosmic_rays(ccd, "median", thresh=100)
        counts = crp.compare_masks(cleaned, other)
        assert (counts.n_pixels_both, counts.n_pixels_only_a, counts.n_pixels_only_b) == (7, 1, 0)
        assert (counts.n_events_both, counts.n_events_only_a, counts.n_events_only_b) == (2, 1, 0)

    def test_segments_and_arrays_will_do(self, cleaned):
        assert crp.compare_masks(crp.cr_segments(cleaned), hit_mask()).n_pixels_both == 8

    def test_an_event_of_which_each_has_a_part_is_shared(self):
        a, b = np.zeros((2, 9, 9), dtype=bool)
        a[4, 2:5] = b[4, 5:8] = True
        counts = crp.compare_masks(a, b)
        assert (counts.n_pixels_both, counts.n_events_both) == (0, 1)

    def test_a_frame_without_a_mask_has_no_cosmic_ray(self, ccd):
        assert crp.compare_masks(ccd, hit_mask()).n_events_only_b == 3

    @pytest.mark.parametrize(
        ("a", "message"),
        [
            (np.ones((2, 2)), "a: ndarray of dtype float64"),
            ("mask.fits", "a: str"),
            (np.ones((3, 3), bool), "same shape"),
        ],
    )
    def test_what_is_no_mask_is_refused(self, a, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.compare_masks(a, hit_mask())
