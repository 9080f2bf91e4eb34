# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The page of a night, as far as it can be tested without a browser."""

import json
import os
import re
from html.parser import HTMLParser

import pytest
from astropy.io import fits
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.report import page
from ccdproc_crplugin.report.frame import view_frame
from ccdproc_crplugin.report.night import rows_of_folder
from ccdproc_crplugin.report.review import cleaning_id

from ..helpers.hit_frames import HITS, hit_frame
from ..helpers.nights import write_mosaic


class Elements(HTMLParser):
    """The tags, addresses and identifiers of a page."""

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

    def test_a_progress_bar_that_can_not_be_called(self, folder, tmp_path):
        with pytest.raises(CosmicRayError, match="progress=True; expected a function, or None"):
            crp.write_report(folder, tmp_path / "page.html", progress=True)

    def test_a_page_that_is_there_unless_told(self, folder, tmp_path):
        (tmp_path / "page.html").touch()
        with pytest.raises(CosmicRayError, match="there already"):
            crp.write_report(folder, tmp_path / "page.html")
        crp.write_report(folder, tmp_path / "page.html", overwrite=True)

    @pytest.mark.parametrize(
        "text", ["rubbish", "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\na\n1\n"]
    )
    def test_a_table_that_is_not_a_table_of_a_night(self, folder, tmp_path, text):
        (folder / "night.ecsv").write_text(text)
        with pytest.raises(CosmicRayError, match=r"night\.ecsv"):
            crp.write_report(folder, tmp_path / "page.html")


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


class TestCommand:
    def test_it_writes_the_page(self, folder, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert main(["report", "night", "--output", "page.html", "--quiet"]) == 0
        assert "wrote page.html" in capsys.readouterr().out
        assert main(["report", "night", "--output", "page.html", "--quiet"]) == 1
        assert "--overwrite" in capsys.readouterr().err


def test_the_page_says_without_what_a_number_of_events_cannot_be_judged(tmp_path):
    ccd = hit_frame()
    ccd.meta = fits.Header(ccd.meta)
    crp.write_ccd(crp.clean_cosmic_rays(ccd, "median", thresh=40), tmp_path / "light.fits")
    (row,) = rows_of_folder(tmp_path)
    assert "no pixel size" in view_frame(row).row.lacking
    assert "no pixel size" in crp.write_report(tmp_path, tmp_path / "page.html").read_text()


def test_a_file_whose_name_is_no_utf_8_is_shown_with_its_bytes(tmp_path):
    folder = tmp_path / "cleaned"
    folder.mkdir()
    try:
        crp.write_ccd(hit_frame().clean_cosmic_rays(), folder / os.fsdecode(b"l\xffght.fits"))
    except (OSError, CosmicRayError):
        pytest.skip("this file system has no such names")
    assert r"l\xffght.fits" in crp.write_report(folder, tmp_path / "page.html").read_text().replace("\\\\", "\\")
