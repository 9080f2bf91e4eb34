# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The cosmic rays of a frame one by one.
"""

import pickle

import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.table import QTable

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.events.gallery import save_page

from ..helpers.hit_frames import hit_mask


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

    def test_groups_smaller_than_n_pixels_are_not_in_the_result(self, cleaned):
        assert list(crp.cr_segments(cleaned).areas) == [1, 6, 1]
        large = crp.cr_segments(cleaned, n_pixels=2)
        assert len(large) == len(large.table) == 1
        assert list(large.areas) == [6]
        assert len(crp.cr_segments(cleaned, n_pixels=7)) == 0

    @pytest.mark.parametrize(("n_pixels", "fraction"), [(1, 1.0), (3, 0.75), (7, 0.0)])
    def test_the_fraction_is_the_share_of_the_pixels_hit_in_the_events(self, cleaned, n_pixels, fraction):
        assert crp.cr_segments(cleaned, n_pixels).fraction == fraction

    def test_labels_are_those_of_all_events_whatever_n_pixels(self, cleaned):
        large = crp.cr_segments(cleaned, n_pixels=2)
        assert list(large.labels) == list(large.table["label"]) == list(large.segmentation.labels) == [2]
        assert large.largest() == large.check_labels(None) == [2]
        assert set(large.data.ravel()) == {0, 2}
        restored = cleaned.restore_cosmic_rays(labels=large.labels)
        assert restored.header["CRNPIX"] == 2

    def test_the_verdict_is_that_of_the_whole_frame(self, cleaned):
        every, none = crp.cr_segments(cleaned), crp.cr_segments(cleaned, n_pixels=7)
        assert none.verdict == every.verdict
        assert none.table.meta == every.table.meta

    @pytest.mark.parametrize("connectivity", [4, 8])
    @pytest.mark.parametrize("n_pixels", [1, 2, 3, 5])
    def test_events_are_those_that_photutils_detects_in_the_mask(self, n_pixels, connectivity):
        from photutils.segmentation import detect_sources

        mask = np.random.default_rng(5).random((60, 70)) < 0.15
        ccd = CCDData(np.full(mask.shape, 100.0), unit="electron")
        segments = crp.cr_segments(ccd, n_pixels, mask=mask, connectivity=connectivity)
        theirs = detect_sources(mask.astype(float), 0.5, n_pixels, connectivity=connectivity)
        assert len(segments) == theirs.n_labels
        np.testing.assert_array_equal(segments.areas, theirs.areas)
        np.testing.assert_array_equal(segments.data > 0, theirs.data > 0)
        assert segments.slices == list(theirs.slices)
        assert segments.segmentation.n_labels == theirs.n_labels
        assert segments.fraction == pytest.approx(theirs.areas.sum() / mask.sum())

    def test_what_is_measured_of_an_event_does_not_depend_on_n_pixels(self, cleaned):
        every, large = crp.cr_segments(cleaned).table, crp.cr_segments(cleaned, n_pixels=2).table
        assert large.pformat() == every[1:2].pformat()
        assert large["area"].info.description == every["area"].info.description


class TestSelection:
    def test_an_index_takes_the_event_at_that_position(self, segments):
        event = segments[1]
        assert isinstance(event, crp.CRSegments)
        assert (len(event), *event.labels, *event.areas) == (1, 2, 6)
        assert event.table["class"][0] == "track"
        np.testing.assert_array_equal(event.mask, segments.data == 2)

    def test_positions_are_not_labels(self, cleaned):
        assert crp.cr_segments(cleaned, n_pixels=2)[0].labels == [2]

    def test_negative_positions_count_from_the_end(self, segments):
        assert segments[-1].labels == [3]

    def test_a_slice_takes_several(self, segments):
        assert list(segments[1:].labels) == [2, 3]
        assert list(segments[::-1].table["label"]) == list(segments[::-1].labels) == [3, 2, 1]

    @pytest.mark.parametrize("position", [3, -4, 2**70])
    def test_a_position_beyond_the_last_is_an_index_error(self, segments, position):
        with pytest.raises(IndexError, match="expected one among 3 events"):
            segments[position]

    @pytest.mark.parametrize("position", ["x", 1.0, None, True, [0]])
    def test_other_positions_are_refused(self, segments, position):
        with pytest.raises(CosmicRayError, match=r"expected a whole number or a slice. The method select takes"):
            segments[position]

    def test_a_loop_takes_them_one_by_one(self, segments):
        assert [int(event.labels[0]) for event in segments] == [1, 2, 3]

    def test_select_takes_those_that_fulfil_a_condition(self, segments):
        tracks = segments.select(segments.table["class"] == "track")
        assert list(tracks.labels) == [2]
        assert tracks.fraction == 0.75
        assert list(tracks.select(tracks.table["area"].value > 6)) == []

    def test_select_keeps_what_there_is_to_draw_and_write(self, segments, tmp_path):
        track = segments.select(segments.table["class"] == "track")
        assert track.plot().axes[0].get_title(loc="left").startswith("2: track")
        assert len(QTable.read(track.write(tmp_path / "tracks.ecsv"))) == 1
        assert np.count_nonzero(track.removed_charge) == 6

    @pytest.mark.parametrize("condition", [[True], [1, 0, 1], "track", None, np.ones((3, 3), bool), True])
    def test_other_conditions_are_refused(self, segments, condition):
        with pytest.raises(CosmicRayError, match="expected bool, a value for each of the 3 events"):
            segments.select(condition)

    def test_a_label_that_was_not_selected_is_refused(self, segments):
        with pytest.raises(CosmicRayError, match="labels=1; expected labels of these events: 2, 3"):
            segments[1:].cutouts(labels=[1])

    def test_the_picture_of_an_event_shows_the_others_that_were_hit(self, cleaned):
        images = crp.cr_segments(cleaned, n_pixels=2).cutouts(40)[0].images
        assert sorted(set(images["mask"][np.isfinite(images["mask"])])) == [0, 0.4, 1]

    def test_it_pickles(self, segments):
        assert list(pickle.loads(pickle.dumps(segments[1:])).labels) == [2, 3]


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
        assert nothing.fraction == 0
        assert list(nothing) == list(nothing.labels) == []

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
            ({"labels": [4]}, "labels=4; expected a whole number from 1 to 3"),
            ({"frames": {"dark": np.zeros((2, 2))}}, r"frame 'dark' of shape \(2, 2\)"),
        ],
    )
    def test_wrong_wishes_are_refused(self, segments, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            segments.cutouts(**keywords)

    def test_a_page_has_a_row_an_event_and_a_column_a_frame(self, segments, ccd):
        page = segments.plot(frames={"dark $1$": ccd})
        assert len(page.axes) == 3 * 4
        assert page.axes[3].texts[0].get_text().startswith(r"dark \$1\$")

    def test_a_row_has_one_stretch(self, segments):
        frame, cleaned = segments.plot([2]).axes[1:3]
        assert frame.images[0].get_clim() == cleaned.images[0].get_clim()

    def test_the_largest_events_come_first(self, segments):
        assert segments.plot(n_rows=1).axes[0].get_title(loc="left").startswith("2: track")

    @pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
    def test_a_page_can_be_saved(self, segments, tmp_path, ending):
        assert save_page(segments.plot(), tmp_path / f"page.{ending}").stat().st_size > 1000

    def test_a_page_of_another_kind_is_refused(self, segments, tmp_path):
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
