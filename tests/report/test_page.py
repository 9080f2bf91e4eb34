# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The page of a night, as far as it can be judged without a browser.
"""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable, Table
from PIL import Image

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.report import page
from ccdproc_crplugin.report.chip import chip_maps
from ccdproc_crplugin.report.codes import Codes, binned, picture
from ccdproc_crplugin.report.figures import histograms
from ccdproc_crplugin.report.frame import view_frame
from ccdproc_crplugin.report.night import Row, complete, rows_of_folder
from ccdproc_crplugin.report.review import cleaning_id
from ccdproc_crplugin.report.stamps import make_sheet

from ..helpers.hit_frames import HITS, hit_frame, hit_mask, hit_pixels
from ..helpers.nights import write_mosaic


@pytest.fixture
def folder(tmp_path):
    """Three cleaned frames, and the table of their reduction."""
    folder = tmp_path / "night"
    folder.mkdir()
    rows = []
    for number in (1, 2, 3):
        ccd = hit_frame()
        ccd.data[:] = hit_pixels(seed=number)
        ccd.meta["OBJECT"] = f"Target {number}"
        name = f"light_{number}.fits"
        cleaned = crp.clean_cosmic_rays(ccd, "median", thresh=40)
        cleaned.meta["CRVERDCT"] = "plausible"
        crp.write_ccd(cleaned, folder / name)
        rows.append({"file": name, "status": "done", "output": name, "verdict": "plausible", "findings": "warn: sky"})
    rows.append({"file": "bad.fits", "status": "failed", "output": "", "verdict": "", "findings": ""})
    table = Table(rows)
    table["reason"] = ["", "", "", "Found no gain"]
    table["parameters"] = ['{"sigclip": 5.000000001}'] * 4
    table["seconds"] = [1.5, 2.5, 3.5, 0.1]
    table.write(folder / "night.ecsv", format="ascii.ecsv")
    return folder


class Elements(HTMLParser):
    """What a page is made of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.ids = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.addresses += [attrs[name] for name in ("src", "href", "action", "srcset") if name in attrs]


def facts_of(text):
    return json.loads(re.search(r'<script type="application/json" id="facts">(.*?)</script>', text, re.DOTALL)[1])


def decoded(address):
    return np.array(Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,")))))


class TestPage:
    def test_it_holds_a_row_a_frame(self, folder, tmp_path):
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        for word in (
            "light_1.fits",
            "light_3.fits",
            "Target 2",
            "plausible",
            "warn: sky",
            "sigclip=5,",
            "Found no gain",
        ):
            assert word.rstrip(",") in text

    def test_it_says_how_many_pixels_frames_share_and_how_many_chance_would_give(self, folder, tmp_path):
        table = Table.read(folder / "night.ecsv")
        table[[0, 1]].write(folder / "night.ecsv", overwrite=True)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert f"<strong>{len(HITS)}</strong> pixels are hit in 2 frames, where chance gives about 0." in text
        assert "Look at them: hot pixels, or structure of the target." in text

    def test_it_needs_nothing_from_elsewhere(self, folder, tmp_path):
        elements = Elements(crp.write_report(folder, tmp_path / "page.html").read_text())
        assert all(address.startswith(("#", "data:image/png;base64,")) for address in elements.addresses)
        assert not {"link", "iframe", "object", "embed", "base"} & set(elements.tags)
        assert len(set(elements.ids)) == len(elements.ids)

    def test_the_policy_allows_this_script_alone(self, folder, tmp_path):
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy

    def test_each_frame_is_identified_as_a_review_wants_it(self, folder, tmp_path):
        facts = facts_of(crp.write_report(folder, tmp_path / "page.html").read_text())
        assert [frame["file"] for frame in facts["frames"]] == ["light_1.fits", "light_2.fits", "light_3.fits"]
        for frame in facts["frames"]:
            assert frame["cleaning"] == cleaning_id(crp.read_ccd(folder / frame["file"]))

    def test_without_a_table_the_cleaned_files_are_the_night(self, folder, tmp_path):
        (folder / "night.ecsv").unlink()
        crp.write_ccd(hit_frame(), folder / "raw.fits")
        (folder / "broken.fits").write_text("no FITS")
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert len(facts_of(text)["frames"]) == 3
        assert "broken.fits" in text
        assert "raw.fits" not in text

    def test_a_frame_that_lost_its_removed_values_is_shown_but_not_reviewed(self, folder, tmp_path):
        with fits.open(folder / "light_1.fits", mode="update") as hdus:
            del hdus["CRPIXELS"]
        facts = facts_of(crp.write_report(folder, tmp_path / "page.html").read_text())
        assert [bool(frame["cleaning"]) for frame in facts["frames"]] == [False, True, True]

    def test_a_frame_without_events_has_its_place(self, folder, tmp_path):
        ccd = hit_frame()
        ccd.data[:] = 200
        crp.write_ccd(crp.clean_cosmic_rays(ccd), folder / "light_1.fits", overwrite=True)
        facts = facts_of(crp.write_report(folder, tmp_path / "page.html").read_text())
        assert [len(frame["classes"]) for frame in facts["frames"]] == [0, 3, 3]

    def test_one_broken_frame_costs_only_itself(self, folder, tmp_path):
        (folder / "light_2.fits").write_bytes(b"no FITS")
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert len(facts_of(text)["frames"]) == 2
        assert "read (" in text

    def test_a_frame_that_was_not_cleaned_is_not_searched(self, folder, tmp_path):
        crp.write_ccd(hit_frame(), folder / "light_2.fits", overwrite=True)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert [frame["file"] for frame in facts_of(text)["frames"]] == ["light_1.fits", "light_3.fits"]
        assert "light_2.fits" in text

    def test_the_counts_follow_the_frame_rather_than_the_table(self, folder):
        restored = crp.read_ccd(folder / "light_1.fits").restore_cosmic_rays(labels=1)
        crp.write_ccd(restored, folder / "light_1.fits", overwrite=True)
        row = view_frame(rows_of_folder(folder)[0]).row
        assert (row.n_events, row.n_pixels, row.seconds) == (2, 7, 1.5)

    def test_what_the_header_says_goes_before_the_table(self, folder):
        with fits.open(folder / "light_1.fits", mode="update") as hdus:
            hdus[0].header.update(CRVERDCT="too few", CREXPLO=4, CREXPHI=9)
        row = view_frame(rows_of_folder(folder)[0]).row
        assert (row.verdict, row.expected) == ("too few", "4 to 9")

    def test_a_frame_put_back_whole_has_no_events(self, folder, tmp_path):
        table = Table.read(folder / "night.ecsv", format="ascii.ecsv")
        table["n_events"] = [3, 3, 3, 0]
        table.write(folder / "night.ecsv", format="ascii.ecsv", overwrite=True)
        restored = crp.read_ccd(folder / "light_1.fits").restore_cosmic_rays()
        crp.write_ccd(restored, folder / "light_1.fits", overwrite=True)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert "all that was removed was put back" in text
        assert [frame["file"] for frame in facts_of(text)["frames"]] == ["light_2.fits", "light_3.fits"]

    def test_each_frame_of_a_file_of_several_has_its_row(self, tmp_path):
        raw = write_mosaic(tmp_path / "raw" / "mosaic.fits", 2)
        crp.clean_collection([raw], tmp_path / "night", detector="median", thresh=40, n_workers=1)
        whole = facts_of(crp.write_report(tmp_path / "night", tmp_path / "page.html").read_text())
        (tmp_path / "night" / "night.ecsv").unlink()
        text = crp.write_report(tmp_path / "night", tmp_path / "without_table.html").read_text()
        assert [frame["file"] for frame in facts_of(text)["frames"]] == ["mosaic.fits[1]", "mosaic.fits[2]"]
        assert [frame["cleaning"] for frame in facts_of(text)["frames"]] == [
            cleaning_id(crp.read_ccd(tmp_path / "night" / "mosaic.fits", hdu=hdu)) for hdu in (1, 2)
        ]
        assert whole == facts_of(text)


class TestPicturesBeside:
    @pytest.fixture
    def small(self, monkeypatch):
        monkeypatch.setattr(page, "LARGEST_PAGE", 3_000)

    def test_a_large_night_has_its_pictures_in_a_folder(self, folder, tmp_path, small):
        path = crp.write_report(folder, tmp_path / "page.html")
        facts = facts_of(path.read_text())
        assert facts["folder"] == "page_files"
        sources = [tmp_path / "page_files" / frame["source"] for frame in facts["frames"]]
        assert sorted((tmp_path / "page_files").iterdir()) == sources
        assert sources[2].read_text().startswith("receivePictures(2, {")
        assert 'id="pictures-0"' not in path.read_text()

    def test_they_are_those_of_a_page_that_holds_them(self, folder, tmp_path, small, monkeypatch):
        crp.write_report(folder, tmp_path / "page.html")
        beside = (tmp_path / "page_files" / "frame_0001.js").read_text()
        monkeypatch.undo()
        text = crp.write_report(folder, tmp_path / "whole.html").read_text()
        inside = re.search(r'id="pictures-0">(.*?)</script>', text, re.DOTALL)[1]
        assert beside == f"receivePictures(0, {inside});\n"

    def test_a_new_page_takes_the_place_of_the_old_folder(self, folder, tmp_path, small, monkeypatch):
        crp.write_report(folder, tmp_path / "page.html")
        (folder / "light_3.fits").write_bytes(b"")
        crp.write_report(folder, tmp_path / "page.html", overwrite=True)
        assert len(list((tmp_path / "page_files").iterdir())) == 2
        monkeypatch.undo()
        crp.write_report(folder, tmp_path / "page.html", overwrite=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["night", "page.html"]

    def test_a_folder_of_somebody_else_is_left_alone(self, folder, tmp_path, small):
        (tmp_path / "page_files").mkdir()
        (tmp_path / "page_files" / "thesis.tex").touch()
        with pytest.raises(CosmicRayError, match=r"thesis.tex', which is of no report.*another name"):
            crp.write_report(folder, tmp_path / "page.html")
        assert (tmp_path / "page_files" / "thesis.tex").exists()

    def test_an_error_leaves_nothing_behind(self, folder, tmp_path, small, monkeypatch):
        def fail(*args):
            raise RuntimeError("no")

        monkeypatch.setattr(page, "_render", fail)
        with pytest.raises(RuntimeError):
            crp.write_report(folder, tmp_path / "page.html")
        assert [path.name for path in tmp_path.iterdir()] == ["night"]


class TestRefusals:
    def test_a_folder_without_cleaned_frames(self, tmp_path):
        with pytest.raises(CosmicRayError, match="no cleaned frame"):
            crp.write_report(tmp_path, tmp_path / "page.html")

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(CosmicRayError, match="no folder"):
            crp.write_report(tmp_path / "no", tmp_path / "page.html")

    def test_a_page_of_another_kind(self, folder, tmp_path):
        with pytest.raises(CosmicRayError, match=r"ends in .html"):
            crp.write_report(folder, tmp_path / "page.pdf")

    def test_a_page_that_is_there_unless_told(self, folder, tmp_path):
        (tmp_path / "page.html").touch()
        with pytest.raises(CosmicRayError, match="there already"):
            crp.write_report(folder, tmp_path / "page.html")
        crp.write_report(folder, tmp_path / "page.html", overwrite=True)

    @pytest.mark.parametrize(
        "text", ["rubbish", "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\na\n1\n"]
    )
    def test_a_table_that_is_none(self, folder, tmp_path, text):
        (folder / "night.ecsv").write_text(text)
        with pytest.raises(CosmicRayError, match=r"night\.ecsv"):
            crp.write_report(folder, tmp_path / "page.html")

    @pytest.mark.parametrize("output", ["../light_1.fits", "/etc/passwd", "a/../../light_1.fits", "a\0b"])
    def test_the_table_leads_to_no_file_outside_of_the_folder(self, folder, tmp_path, output):
        (folder / "light_1.fits").rename(tmp_path / "light_1.fits")
        table = Table.read(folder / "night.ecsv", format="ascii.ecsv")
        table["output"] = table["output"].astype("U40")
        table["output"][0] = output
        table.write(folder / "night.ecsv", format="ascii.ecsv", overwrite=True)
        row = rows_of_folder(folder)[0]
        assert row.path is None
        assert "outside of the folder" in row.reason


class TestHostileText:
    TEXT = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"

    def test_header_and_table_are_escaped(self, folder, tmp_path):
        fits.setval(folder / "light_1.fits", "OBJECT", value="<script>alert(1)</script>")
        table = Table.read(folder / "night.ecsv", format="ascii.ecsv")
        for name in ("file", "status", "verdict", "findings", "reason", "parameters"):
            table[name] = [self.TEXT + "\u2028"] * len(table)
        table.write(folder / "night.ecsv", format="ascii.ecsv", overwrite=True)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        elements = Elements(text)
        assert elements.tags.count("script") == 2 + 3
        assert "img" not in elements.tags
        assert "&lt;script&gt;alert(1)" in text

    @pytest.mark.parametrize("name", ["a\u2028b.fits", "a\nb.fits", "a\x0bb\x85c.fits", 'a " b.fits', "a\u202eb.fits"])
    def test_a_name_with_what_ends_a_line_is_found_by_the_table(self, folder, tmp_path, name):
        (folder / "light_1.fits").rename(folder / name)
        table = Table.read(folder / "night.ecsv", format="ascii.ecsv")
        table["file"], table["output"] = table["file"].astype("U20"), table["output"].astype("U20")
        table["file"][0] = table["output"][0] = name
        table.write(folder / "night.ecsv", format="ascii.ecsv", overwrite=True)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert [frame["file"] for frame in facts_of(text)["frames"]] == [name, "light_2.fits", "light_3.fits"]

    def test_file_names_are_escaped_in_the_script_too(self, folder, tmp_path):
        (folder / "night.ecsv").unlink()
        name = "<script>alert(1)<!--&\u2028.fits"
        (folder / "light_1.fits").rename(folder / name)
        text = crp.write_report(folder, tmp_path / "page.html").read_text()
        assert "<script>alert" not in text
        assert "<!--" not in text
        assert name in [frame["file"] for frame in facts_of(text)["frames"]]


class TestCodes:
    def test_values_come_back_to_a_fraction_of_the_noise_near_the_sky(self):
        rng = np.random.default_rng(2)
        frame = rng.normal(300, 10, (200, 200)).astype(np.float32)
        frame[::20, ::20] = 60000
        codes = Codes.of(frame)
        again = codes.decode()[codes.encode(frame)]
        assert np.abs(again - frame)[frame < 1000].max() < 3
        np.testing.assert_allclose(again[frame == 60000], 60000, rtol=1e-4)

    @pytest.mark.parametrize("frame", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.array([[1, np.inf], [2, 3]])])
    def test_odd_frames_have_codes(self, frame):
        codes = Codes.of(frame)
        encoded = codes.encode(frame)
        assert ((encoded == 0) == ~np.isfinite(frame)).all()
        assert np.isfinite(codes.decode()).all()

    @pytest.mark.parametrize("shape", [(6, 9), (7, 10), (1, 5)])
    def test_larger_pixels_are_means_of_what_is_finite(self, shape):
        frame = np.random.default_rng(3).normal(size=shape)
        frame[0, 0] = np.nan
        found = binned(frame, 3)
        for y, x in np.ndindex(found.shape):
            assert found[y, x] == pytest.approx(np.nanmean(frame[3 * y : 3 * y + 3, 3 * x : 3 * x + 3]))

    def test_a_picture_is_lossless(self):
        codes = np.random.default_rng(4).integers(0, 256, (11, 7, 3), dtype=np.uint8)
        np.testing.assert_array_equal(decoded(picture(codes)), codes)


class TestStamps:
    def test_each_shows_its_event_before_and_after(self, ccd, cleaned):
        segments = crp.cr_segments(cleaned)
        codes = Codes.of(segments.cleaned, segments.raw)
        sheet = make_sheet(segments, codes)
        labels = segments.data
        for index in range(len(segments)):
            height, width = sheet.height[index], sheet.width[index]
            stamp = sheet.pixels[sheet.row[index] :, sheet.column[index] :][:height, :width][::-1]
            part = (
                slice(sheet.bottom[index], sheet.bottom[index] + height),
                slice(sheet.left[index], sheet.left[index] + width),
            )
            np.testing.assert_array_equal(stamp[..., 0], codes.encode(cleaned.data)[part])
            np.testing.assert_array_equal(stamp[..., 2] == 255, labels[part] == index + 1)
            hit = hit_mask()[part]
            np.testing.assert_array_equal(stamp[hit][:, 1], codes.encode(ccd.data)[part][hit])

    @pytest.mark.parametrize("seed", range(3))
    def test_they_do_not_overlap(self, seed):
        mask = np.random.default_rng(seed).random((200, 300)) > 0.995
        ccd = hit_frame()
        ccd.data = np.ones(mask.shape)
        ccd.mask = None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        used = np.zeros(sheet.pixels.shape[:2], dtype=int)
        for column, row, width, height in zip(sheet.column, sheet.row, sheet.width, sheet.height, strict=True):
            used[row : row + height, column : column + width] += 1
        assert used.max() == 1
        assert used.sum() == (sheet.width * sheet.height).sum()

    @pytest.mark.parametrize("seed", range(3))
    def test_each_fills_the_square_around_its_event_as_far_as_the_frame_goes(self, seed):
        rng = np.random.default_rng(seed)
        mask = rng.random((120, 90)) > 0.995
        mask[30:70, rng.integers(90)] = mask[rng.integers(120), 20:60] = mask[0, 0] = mask[-1, -1] = True
        ccd = hit_frame()
        ccd.data, ccd.mask = np.ones(mask.shape), None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        left, bottom = sheet.left - sheet.inset_x, sheet.bottom + sheet.height + sheet.inset_y - sheet.side
        for start, first, size, n_pixels in (
            (left, sheet.left, sheet.width, 90),
            (bottom, sheet.bottom, sheet.height, 120),
        ):
            np.testing.assert_array_equal(first, np.maximum(start, 0))
            np.testing.assert_array_equal(first + size, np.minimum(start + sheet.side, n_pixels))
        middles = [[(part.start + part.stop) / 2 for part in where] for where in segments.slices]
        assert np.abs(np.array(middles).T - [bottom + sheet.side / 2, left + sheet.side / 2]).max() <= 1

    def test_black_and_white_are_about_the_sky_whatever_hit_it(self):
        ccd = hit_frame()
        rng = np.random.default_rng(6)
        ccd.data = (np.linspace(100, 5000, 300)[:, np.newaxis] + rng.normal(0, 10, (300, 200))).astype("f4")
        ccd.data[:40, :40] = np.nan
        mask = rng.random(ccd.shape) > 0.99
        ccd.data[mask] += 20000
        ccd.mask = None
        segments = crp.cr_segments(ccd, mask=mask)
        sheet = make_sheet(segments, Codes.of(ccd.data))
        sky = np.linspace(100, 5000, 300)[sheet.bottom + sheet.height // 2]
        seen = (sheet.bottom > 40) | (sheet.left > 40)
        assert (sheet.low < sky)[seen].all()
        assert (sheet.high > sky)[seen].all()
        assert (sheet.high - sheet.low)[seen].max() < 2500
        assert np.isfinite([sheet.low, sheet.high]).all()

    @pytest.mark.parametrize("value", [0.0, 300.0, np.nan, np.inf])
    def test_a_stamp_without_noise_has_limits(self, value):
        ccd = hit_frame()
        ccd.data[:], ccd.data[-1, -1], ccd.mask = value, 300, None
        sheet = make_sheet(crp.cr_segments(ccd, mask=hit_mask()), Codes.of(ccd.data))
        assert (sheet.low < sheet.high).all()
        assert np.isfinite([sheet.low, sheet.high]).all()


class TestFigures:
    @pytest.fixture
    def views(self, folder):
        return [view_frame(row) for row in rows_of_folder(folder)[:3]]

    def test_histograms_count_each_event_once(self, views):
        area, charge, angle = histograms(views)
        assert area.n_events == charge.n_events == 9
        assert sum(count for *_, count in area.rows) == 9
        assert angle.n_events == 3
        assert [(low, high) for low, high, _ in angle.rows] == [("40", "50")]

    def test_bars_stand_upon_each_other_by_class(self, views):
        area = histograms(views)[0]
        assert sum(bar.height for bar in area.bars) > 0
        assert {bar.style for bar in area.bars} == {"class-1", "class-2"}

    def test_pixels_hit_in_every_frame_are_hot(self, views):
        (chip,), on_hot = chip_maps(views)
        assert chip.n_hot == len(HITS)
        assert {(pixel.y, pixel.x) for pixel in chip.marked} == {where for where, _ in HITS}
        assert on_hot == [[1, 2, 3]] * 3
        assert chip.n_events == 9

    def test_a_pixel_hit_twice_by_chance_is_not(self, views):
        rng = np.random.default_rng(5)
        for view in views:
            view.pixels[0][:] = rng.integers(0, 50, len(view.pixels[0]))
            view.pixels[1][:] = rng.integers(0, 60, len(view.pixels[1]))
        (chip,), on_hot = chip_maps(views)
        assert chip.n_hot == 0
        assert on_hot == [[], [], []]

    def night_by_chance(self, view, n_hits, seed, common=0):
        """Frames hit at random, events of two pixels, and in a column the same pixels of each frame."""
        rng = np.random.default_rng(seed)
        frames = []
        for n in n_hits:
            first = rng.choice(500 * 500 // 2, n // 2, replace=False)
            hits = np.zeros((500, 500), bool)
            hits.flat[np.concatenate([2 * first, 2 * first + 1])] = True
            hits[:common, 321] = True
            pixels = np.nonzero(hits)
            labels = np.arange(len(pixels[0])) // 2 + 1
            events = QTable({"area": np.zeros(labels.max(), int)})
            frames.append(replace(view, shape=(500, 500), pixels=pixels, labels=labels, events=events))
        return frames

    def test_pixels_shared_beyond_chance_are_told_of_though_each_may_be_chance(self, views):
        (chip,), on_hot = chip_maps(self.night_by_chance(views[0], (1000, 1000), 1, common=40))
        shared = chip.shared
        assert (chip.n_hot, on_hot) == (0, [[], []])
        assert (shared.least, shared.most, shared.too_many) == (2, 2, True)
        assert 40 <= shared.n_pixels < 60
        assert shared.n_by_chance == pytest.approx(1040**2 / 500**2, rel=0.02)
        assert chip.n_marked == len(chip.marked) == shared.n_pixels
        assert sum(pixel.x == 321 for pixel in chip.marked) >= 40

    def test_pixels_shared_by_chance_raise_no_alarm(self, views):
        nights = [self.night_by_chance(views[0], (4000, 1000, 200)[:n], seed) for seed in range(20) for n in (2, 3)]
        chips = [chip_maps(night)[0][0] for night in nights]
        assert not any(chip.shared.too_many or chip.marked for chip in chips)
        found, by_chance = (sum(getattr(chip.shared, name) for chip in chips) for name in ("n_pixels", "n_by_chance"))
        assert found == pytest.approx(by_chance, rel=0.1)

    def test_one_frame_tells_no_hot_pixel(self, views):
        (chip,), on_hot = chip_maps(views[:1])
        assert (chip.least, chip.n_hot, chip.shared, on_hot) == (0, 0, None, [[]])

    def test_no_frame_makes_no_map(self):
        assert chip_maps([]) == ([], [])
        assert [figure.n_events for figure in histograms([])] == [0, 0, 0]

    def test_the_map_shows_each_hit_upside_up(self, views):
        (chip,), _ = chip_maps(views)
        np.testing.assert_array_equal(decoded(chip.image)[::-1, :, 1] > 0, hit_mask())


class TestCommand:
    def test_it_writes_the_page(self, folder, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["report", "night", "--output", "page.html", "--quiet"]) == 0
        assert "wrote page.html" in capsys.readouterr().out
        assert main(["report", "night", "--output", "page.html", "--quiet"]) == 1
        assert "--overwrite" in capsys.readouterr().err


def test_a_row_has_words_for_what_to_expect():
    assert Row("a", "done", expected_low=3.2, expected_high=9.9).expected == "3 to 10"
    assert Row("a", "done").expected == ""


def test_calibration_frames_come_after_the_light_frames(folder):
    table = Table.read(folder / "night.ecsv")
    table["kind"] = ["bias", "light", "flat", "light"]
    table.write(folder / "night.ecsv", overwrite=True)
    assert [row.kind for row in rows_of_folder(folder)] == ["light", "light", "bias", "flat"]


def test_the_page_says_without_what_a_number_of_events_cannot_be_judged(tmp_path):
    ccd = hit_frame()
    ccd.meta = fits.Header(ccd.meta)
    crp.write_ccd(crp.clean_cosmic_rays(ccd, "median", thresh=40), tmp_path / "light.fits")
    (row,) = rows_of_folder(tmp_path)
    assert "no pixel size" in view_frame(row).row.lacking
    assert "no pixel size" in crp.write_report(tmp_path, tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("header", "shown"),
    [({"CRSIGCLP": 8.0}, "sigclip=8 (auto), niter=4"), ({"CRSIGCLP": "?"}, "sigclip=auto, niter=4")],
)
def test_a_limit_that_was_left_open_is_shown_as_it_was_taken(header, shown):
    assert complete(Row("a", "done", parameters="sigclip=auto, niter=4"), header).parameters == shown
