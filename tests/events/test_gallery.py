# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Pages of events: as many as it takes, with whatever frames stand beside, each in a stretch in which it can be seen.
"""

import re

import numpy as np
import pytest
from astropy.nddata import CCDData
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.events.gallery import _in_words, cut_out

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

    def test_the_mask_is_drawn_as_it_is_in_each(self, segments):
        for stretch in ("zscale", "asinh"):
            mask = segments.plot([2], stretch=stretch).axes[0].images[0]
            assert mask.norm([0, 0.4, 1]).tolist() == [0, 0.4, 1]

    def test_an_image_of_one_value_can_be_drawn(self):
        ccd = hit_frame()
        ccd.data[:] = 5
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[10, 10] = True
        assert crp.cr_segments(ccd, mask=mask).plot().axes[1].images[0].get_clim() == pytest.approx((5, 6))

    def test_another_one_is_refused(self, segments):
        with pytest.raises(CosmicRayError, match=r"stretch='log'; expected one of: 'zscale', 'asinh'"):
            segments.plot(stretch="log")


class TestFramesBeside:
    """A further frame has the frame's stretch where that shows something."""

    @pytest.fixture
    def noise(self, segments):
        return np.random.default_rng(3).normal(0, 5, segments.mask.shape)

    @staticmethod
    def limits(segments, frame):
        shown, beside = segments.plot([2], frames={"beside": frame}, columns=["frame", "beside"]).axes
        return shown.images[0].get_clim(), beside.images[0].get_clim()

    def test_one_of_the_same_level_has_the_frame_s(self, segments, noise):
        shown, beside = self.limits(segments, CCDData(205 + noise, unit="adu"))
        assert shown == beside

    @pytest.mark.parametrize("level", [0, 20_000])
    def test_one_of_another_level_has_its_own(self, segments, noise, level):
        (low, high), (beside_low, beside_high) = self.limits(segments, CCDData(level + noise, unit="adu"))
        assert low < 200 < high
        assert level - 30 < beside_low < level < beside_high < level + 30

    def test_one_in_another_unit_has_its_own(self, segments, noise):
        shown, beside = self.limits(segments, CCDData(205 + noise, unit="electron"))
        assert shown != beside

    def test_an_array_has_no_unit_and_is_judged_by_its_level(self, segments, noise):
        shown, beside = self.limits(segments, 205 + noise)
        assert shown == beside

    def test_each_picture_says_what_is_black_and_white_and_in_what_unit(self, segments, noise):
        dark = CCDData(noise, unit="electron / s")
        page = segments.plot([2], frames={"dark": dark, "array": 1e6 + noise})
        texts = [axes.texts[0].get_text() for axes in page.axes]
        assert texts[0] == "mask"
        assert re.fullmatch(r"frame\n1\d\d to 2\d\d adu", texts[1])
        assert texts[2] == texts[1].replace("frame", "cleaned")
        assert re.fullmatch(r"dark\n-\d+ to \d+ electron / s", texts[3])
        assert re.fullmatch(r"array\n9999\d\d to 10000\d\d", texts[4])

    @pytest.mark.parametrize("scale", [1e-17, 1e-3, 1.0, 1e5])
    def test_the_limits_can_be_told_apart_whatever_the_unit(self, scale):
        ccd = hit_frame()
        ccd.data = ccd.data * scale
        mask = np.zeros(ccd.shape, dtype=bool)
        mask[10, 10] = True
        text = crp.cr_segments(ccd, mask=mask).plot().axes[1].texts[0].get_text()
        low, high = map(float, text.removeprefix("frame\n").removesuffix(" adu").split(" to "))
        assert 100 * scale < low < 200 * scale < high < 300 * scale
        assert len(text) < 35

    def test_a_limit_just_below_zero_is_zero(self):
        assert _in_words(-0.3, 40, "adu") == "0 to 40 adu"


class TestColumns:
    def test_they_are_chosen_by_name(self, segments, ccd):
        page = segments.plot([2, 1], frames={"again": ccd}, columns=["again", "mask"])
        names = [axes.texts[0].get_text().split("\n")[0] for axes in page.axes]
        assert names == ["again", "mask"] * 2
        assert page.axes[0].get_title(loc="left").startswith("2: ")

    def test_one_name_may_be_a_word(self, segments):
        assert len(segments.plot(columns="frame").axes) == len(segments)

    @pytest.mark.parametrize("columns", [["frame", "dark"], [], "dark"])
    def test_others_are_refused(self, segments, columns):
        with pytest.raises(CosmicRayError, match=r"columns=.*; expected a list of some of 'mask', 'frame', 'cleaned'"):
            segments.plot(columns=columns)

    def test_a_file_has_them_too(self, segments, tmp_path):
        width = {}
        for name, columns in {"whole": None, "narrow": ["frame"]}.items():
            (path,) = segments.save_gallery(tmp_path / f"{name}.png", columns=columns)
            with Image.open(path) as page:
                width[name] = page.width
        assert width["narrow"] < 0.5 * width["whole"]


class TestAxes:
    def test_the_page_is_drawn_within_one(self, segments):
        ax = Figure().subplots()
        assert segments.plot(ax=ax) is ax
        assert len(ax.child_axes) == 3 * len(segments)
        assert all(axes.images for axes in ax.child_axes)

    def test_or_in_one_for_each_picture(self, segments):
        axes = Figure().subplots(3, 2)
        segments.plot(columns=["frame", "mask"], ax=axes)
        assert all(one.images for one in axes.ravel())
        assert not any(one.child_axes for one in axes.ravel())

    @pytest.mark.parametrize("ax", [[], "ax", None])
    def test_anything_else_is_refused(self, segments, ax):
        ax = Figure().subplots(2, 2) if ax is None else ax
        with pytest.raises(CosmicRayError, match="expected axes of matplotlib, 1 or 9 of them"):
            segments.plot(ax=ax)


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

    def test_its_columns_are_chosen_by_name(self, frame, capsys):
        words = ["segments", "frame.fits", "--gallery", "page.png", "--beside", "again=frame.fits"]
        assert main([*words, "--columns", "frame,again"]) == 0
        assert main([*words, "--columns", "frame,dark", "--overwrite"]) == 2
        error = "Found the column 'dark'; expected columns among mask, frame, cleaned, again."
        assert error in capsys.readouterr().err

    @pytest.mark.parametrize("word", ["dark.fits", "=frame.fits", "dark=no.fits"])
    def test_a_frame_beside_has_a_name_and_is_there(self, frame, word, capsys):
        assert main(["segments", "frame.fits", "--gallery", "page.png", "--beside", word]) == 2
        assert word.split("=")[-1] in capsys.readouterr().err
