# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The table of a night and its journal, also after somebody changed or damaged them.
"""

import json

import pytest

from ccdproc_crplugin.pipeline.table import Record, read_table

from ..helpers.nights import (
    by_file,
    clean,
    contents,
    reduce,
    subtract_bias,
)


class TestNames:
    @pytest.mark.parametrize("name", ["light\u2028a.fits", "light\x85a.fits", "light\x1ca.fits", "light\na.fits"])
    def test_a_name_with_the_end_of_a_line_in_it_keeps_all_rows(self, biased, output, name):
        (biased / "light.fits").rename(biased / name)
        subtract_bias(biased, output)
        written = {path: path.stat().st_mtime_ns for path in output.rglob("*.fits")}
        assert len(Record(output).earlier) == len(read_table(output / "night.ecsv")) == 4
        table = subtract_bias(biased, output)
        assert by_file(table) == dict.fromkeys(["bias_0.fits", "bias_1.fits", "bias_2.fits", name], "kept")
        assert {path: path.stat().st_mtime_ns for path in output.rglob("*.fits")} == written


class TestTamperedTable:
    """What somebody wrote into night.ecsv or night.jsonl that no run would."""

    def assert_looked_at_again(self, raw, output):
        before = contents(output)
        table = reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        assert by_file(table)["light_1.fits"] == "kept"
        assert by_file(table, "n_pixels")["light_1.fits"] == 1
        assert contents(output) == before
        assert not (output / "night.jsonl").exists()

    @pytest.mark.parametrize("file", ["light_1.fits", "bias_1.fits"])
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("n_pixels", "abc"),
            ("n_pixels", [1]),
            ("n_pixels", True),
            ("n_bytes", [1]),
            ("n_bytes", "x"),
            ("seconds", "x"),
            ("expected_low", {}),
            ("output", 5),
            ("reason", 5),
            ("verdict", [1]),
            ("status", "garbage"),
            ("status", [1]),
            ("status", None),
            ("key", [1]),
        ],
    )
    def test_a_row_with_a_value_of_another_type_is_ignored(self, raw, output, file, column, value):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        (output / "night.jsonl").write_text(json.dumps({**Record(output).earlier[file], column: value}) + "\n")
        self.assert_looked_at_again(raw, output)

    @pytest.mark.parametrize(
        "change",
        [
            {"kind": [1]},
            {"kind": "x"},
            {"exposure": "abc"},
            {"exposure": [1]},
            {"gain": "x"},
            {"temperature": float("nan")},
            {"temperature": True},
            {"filter": 5},
            {"binning": 5},
            {"binning": "ab"},
            {"more": 1},
            {"camera": [["INSTRUME", 5]]},
            {"selected": "x"},
            {"unheard_of": 1},
        ],
    )
    @pytest.mark.parametrize("file", ["light_1.fits", "bias_1.fits"])
    def test_a_key_that_no_header_gives_is_read_from_the_header_again(self, raw, output, file, change):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        row = Record(output).earlier[file]
        key = json.dumps({**json.loads(row["key"]), **change})
        (output / "night.jsonl").write_text(json.dumps({**row, "key": key}) + "\n")
        self.assert_looked_at_again(raw, output)

    @pytest.mark.parametrize(
        ("old", "new"), [("n_pixels, datatype: int64", "n_pixels, datatype: string"), (" done ", " garbage ")]
    )
    def test_so_is_one_of_the_table(self, raw, output, old, new):
        reduce(raw, output, "subtract_bias", "clean_cosmic_rays")
        table = (output / "night.ecsv").read_text()
        assert old in table
        (output / "night.ecsv").write_text(table.replace(old, new))
        self.assert_looked_at_again(raw, output)


class TestDamagedTable:
    @pytest.mark.parametrize("damage", [b"", b"\x00\xff rubbish", b"# %ECSV 1.0\n# ---\nfile\n1\n"])
    def test_a_damaged_table_costs_no_frame(self, lights, output, damage):
        clean(lights, output)
        (output / "night.ecsv").write_bytes(damage)
        assert set(by_file(clean(lights, output)).values()) == {"kept"}
