# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
BibTeX for what the header says was used.
"""

import re

import pytest

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, Detection, Detector, Step, hookimpl, plugins
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.frames.cards import write_history
from ccdproc_crplugin.frames.citations import bibtex, used_in

ENTRY = "@misc{mine,\n    title = {Mine}\n}"


def keys(text):
    return re.findall(r"^@\w+\{([^,]+),", text, re.M)


def is_well_formed(entry):
    return re.match(r"@\w+\{[^,\s]+,\n", entry) and entry.count("{") == entry.count("}")


class TestReferences:
    @pytest.mark.parametrize("detector", ["lacosmic", "astroscrappy", "stack"])
    def test_those_of_the_built_in_detectors_are_shipped(self, detector):
        for reference in {**crp.detectors(), **crp.stack_detectors()}[detector].references:
            assert "author = {" in bibtex(reference)

    def test_a_doi_may_be_written_in_several_ways(self):
        ways = ["10.5281/zenodo.1482019", "doi:10.5281/ZENODO.1482019", "https://doi.org/10.5281/zenodo.1482019"]
        assert len({bibtex(way) for way in ways}) == 1

    @pytest.mark.parametrize(
        ("reference", "field"),
        [
            ("10.1000/182", "doi = {10.1000/182}"),
            ("arXiv:1907.09500", "eprint = {1907.09500}"),
            ("1999ApJ...111....1X", "url = {https://ui.adsabs.harvard.edu/abs/1999ApJ...111....1X}"),
            ("https://example.org/a", "url = {https://example.org/a}"),
            ("somebody, somewhere", "note = {somebody, somewhere}"),
        ],
    )
    def test_of_one_that_is_not_shipped_the_entry_has_what_is_known(self, reference, field):
        entry = bibtex(reference)
        assert field in entry
        assert is_well_formed(entry)

    def test_an_entry_of_bibtex_is_taken_as_it_is(self):
        assert bibtex(f" {ENTRY}\n") == ENTRY


class TestCitations:
    def test_an_exposure_of_a_stack_has_those_of_the_stack_detector(self, ccd):
        other = ccd.copy()
        other.data = other.data + 1
        pair = crp.clean_cosmic_rays_stack([ccd, other], offsets=[(0, 0), (0, 0)], preflight="off")
        assert set(crp.stack_detectors()["stack"].references) <= set(keys(crp.citations(pair[0])))
        again = crp.clean_cosmic_rays(pair[0], "median", force=True, preflight="off")
        assert "2008MNRAS.386L..77B" not in keys(crp.citations(again))

    def test_a_cleaned_frame_has_those_of_its_detector_and_of_the_packages(self, ccd):
        text = crp.citations(crp.clean_cosmic_rays(ccd, "astroscrappy"))
        expected = ["ccdproc_crplugin", "2017zndo...1069648C", "2001PASP..113.1420V", "2018zndo...1482019M"]
        assert [key for key in keys(text) if key in expected] == expected
        assert any(key.startswith("astropy") for key in keys(text))
        assert len(keys(text)) == len(set(keys(text)))
        assert f"version = {{{crp.__version__}}}" in text

    def test_a_header_alone_will_do(self, cleaned):
        assert crp.citations(cleaned.meta) == crp.citations(cleaned)
        assert crp.citations({"CRDETECT": "lacosmic"}) != ""

    def test_it_works_after_a_round_trip_through_a_file(self, cleaned, tmp_path):
        crp.write_ccd(cleaned, tmp_path / "a.fits")
        assert crp.citations(crp.read_ccd(tmp_path / "a.fits")) == crp.citations(cleaned)

    def test_steps_and_plugins_give_theirs(self, cleaned):
        def detect(data, *, mask, variance, readnoise, saturation):
            return Detection(data > 1000)

        class Plugin:
            @hookimpl
            def ccdcr_detectors(self):
                yield Detector("theirs", "a detector", detect, references=(ENTRY,))

            @hookimpl
            def ccdcr_steps(self):
                yield Step("my_step", "a step", lambda ccd: ccd, references=("10.1000/182",))

        cleaned.meta["CRDETECT"] = "theirs"
        write_history(cleaned.meta, "my_step", {}, "done")
        write_history(cleaned.meta, "measure_events", {}, "done")
        plugins.register(Plugin(), "theirs")
        try:
            text = crp.citations(cleaned)
        finally:
            plugins.unregister("theirs")
        assert ENTRY in text
        assert "10.1000/182" in text
        assert "astropy/photutils" in text
        assert "% The detector 'theirs' is not installed here: its references are not known." in crp.citations(cleaned)

    def test_detectors_that_a_detector_ran_are_found_in_the_history(self):
        meta = {"CRDETECT": "consensus"}
        write_history(
            meta, "clean_cosmic_rays", {"detector": "consensus", "detectors": ("median", "my.own"), "votes": 2}, "x"
        )
        names = [name for kind, name in used_in(meta) if kind == "detector"]
        assert names == ["consensus", "median", "my.own"]

    def test_a_frame_that_was_not_cleaned_is_refused(self, ccd):
        with pytest.raises(CosmicRayError, match=r"no record of ccdproc_crplugin.*expected a frame that it cleaned"):
            crp.citations(ccd)


class TestCommand:
    def test_it_prints_each_entry_of_several_files_once(self, cleaned, tmp_path, capsys):
        for name in ("a.fits", "b.fits"):
            crp.write_ccd(cleaned, tmp_path / name)
        assert main(["cite", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert printed.count("@article{2001PASP..113.1420V,") == 1
        assert all(map(is_well_formed, printed.strip().split("\n\n")))

    def test_a_raw_frame_is_exit_code_1(self, ccd, tmp_path, capsys):
        ccd.write(tmp_path / "raw.fits")
        assert main(["cite", str(tmp_path / "raw.fits")]) == 1
        assert "Found no record of ccdproc_crplugin" in capsys.readouterr().err


def test_references_of_the_table_are_one_line():
    report = crp.plugin_report()
    assert not any("\n" in text for text in report["references"])
    row = report[report["name"] == "lacosmic"][0]
    assert (row["licence"], row["needs"], row["references"]) == ("BSD-3-Clause", "met", "2001PASP..113.1420V")
    assert row["version"] == crp.__version__
