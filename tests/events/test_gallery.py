# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Pages of events: as many as it takes, with whatever frames stand beside, in one stretch a row.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.events.gallery import cut_out

from ..helpers.hit_frames import hit_frame


@pytest.fixture
def segments(cleaned):
    return crp.cr_segments(cleaned)


@given(st.integers(-15, 30), st.integers(-15, 30), st.integers(1, 12))
def test_a_cut_out_is_the_frame_where_there_is_one_and_nan_elsewhere(y, x, size):
    frame = np.arange(15 * 20, dtype=np.int16).reshape(15, 20)
    padded = np.full((75, 80), np.nan)
    padded[30:45, 30:50] = frame
    top, left = y + 30 - size // 2, x + 30 - size // 2
    np.testing.assert_array_equal(cut_out(frame, (y, x), size), padded[top : top + size, left : left + size])


def test_the_mask_tells_the_event_from_its_neighbours(ccd):
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[10, 10] = mask[10, 13] = True
    image = crp.cr_segments(ccd, mask=mask).cutouts(9, labels=[1])[0].images["mask"]
    assert (image[4, 4], image[4, 7], image[0, 0]) == (1, 0.4, 0)


def test_what_lies_beyond_the_edge_has_neither_the_black_nor_the_white_of_pixels(ccd):
    mask = np.zeros(ccd.shape, dtype=bool)
    mask[0, 0] = True
    page = crp.cr_segments(ccd, mask=mask).plot()
    for axis in page.axes:
        image = axis.images[0]
        assert image.cmap(image.norm(image.get_array()))[0, 0, 3] == 0
        assert axis.get_facecolor()[:3] == (0.45, 0.45, 0.45)


class TestStretch:
    def test_asinh_reaches_up_to_the_brightest_pixel(self, segments):
        frame, cleaned = segments.plot([2], stretch="asinh").axes[1:3]
        assert frame.images[0].norm.vmax == segments.cutouts(labels=[2])[0].images["frame"].max()
        assert frame.images[0].norm is cleaned.images[0].norm

    def test_an_image_of_one_value_can_be_drawn(self):
        ccd = hit_frame()
        ccd.data[:] = 5
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[10, 10] = True
        assert crp.cr_segments(ccd, mask=mask).plot().axes[1].images[0].get_clim() == pytest.approx((5, 6))

    def test_another_one_is_refused(self, segments):
        with pytest.raises(CosmicRayError, match=r"stretch='log'; expected one of: 'zscale', 'asinh'"):
            segments.plot(stretch="log")


class TestPages:
    @pytest.mark.parametrize("ending", ["png", "svg"])
    def test_several_pictures_are_numbered(self, segments, tmp_path, ending):
        paths = segments.save_gallery(tmp_path / f"events.{ending}", n_rows=2)
        assert [path.name for path in paths] == [f"events_1.{ending}", f"events_2.{ending}"]
        assert all(path.stat().st_size > 1000 for path in paths)

    def test_a_single_one_keeps_its_name(self, segments, tmp_path):
        assert segments.save_gallery(tmp_path / "events.png") == [tmp_path / "events.png"]

    def test_a_book_holds_them_all(self, segments, tmp_path):
        (book,) = segments.save_gallery(tmp_path / "events.pdf", n_rows=1)
        assert book.read_bytes().count(b"/Type /Page ") == len(segments)

    def test_all_events_are_drawn_the_largest_first(self, segments):
        assert segments.largest() == [2, 1, 3]
        assert segments.largest(1) == [2]

    def test_nothing_is_written_where_one_of_the_files_is_there(self, segments, tmp_path):
        (tmp_path / "events_2.png").touch()
        with pytest.raises(CosmicRayError, match=r"events_2.png' there already"):
            segments.save_gallery(tmp_path / "events.png", n_rows=2)
        assert [path.name for path in tmp_path.iterdir()] == ["events_2.png"]

    @pytest.mark.parametrize("n_rows", [0, 1.5, True, "2"])
    def test_rows_are_a_positive_number(self, segments, tmp_path, n_rows):
        with pytest.raises(CosmicRayError, match="n_rows="):
            segments.save_gallery(tmp_path / "events.png", n_rows=n_rows)

    def test_no_event_makes_no_page(self, ccd, tmp_path):
        nothing = crp.cr_segments(ccd, mask=np.zeros(ccd.shape, dtype=bool))
        with pytest.raises(CosmicRayError, match="no event to plot"):
            nothing.save_gallery(tmp_path / "events.pdf")
        assert not list(tmp_path.iterdir())


class TestCommand:
    @pytest.fixture
    def frame(self, cleaned, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return crp.write_ccd(cleaned, tmp_path / "frame.fits")

    def test_it_names_each_page(self, frame, capsys):
        words = ["segments", "frame.fits", "--gallery", "page.png", "--rows", "1", "--events", "2"]
        assert main([*words, "--stretch", "asinh", "--beside", "again=frame.fits"]) == 0
        out = capsys.readouterr().out
        assert "wrote page_1.png" in out
        assert "wrote page_2.png" in out
        assert "page_3" not in out

    @pytest.mark.parametrize("word", ["dark.fits", "=frame.fits", "dark=no.fits"])
    def test_a_frame_beside_has_a_name_and_is_there(self, frame, word, capsys):
        assert main(["segments", "frame.fits", "--gallery", "page.png", "--beside", word]) == 2
        assert word.split("=")[-1] in capsys.readouterr().err
