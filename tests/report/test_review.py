# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A review of events: what is put back, and which files are refused."""

import copy
import json
import pickle

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PixelFlag
from ccdproc_crplugin.cli import main
from ccdproc_crplugin.report.review import FORMAT, VERSION, cleaning_id

from ..helpers.hit_frames import hit_frame, same_bits
from ..helpers.nights import write_mosaic


def review_of(*frames):
    return {"format": FORMAT, "version": VERSION, "frames": list(frames)}


def judge(ccd, labels, name="frame.fits"):
    return {"file": name, "cleaning": cleaning_id(ccd), "not_cosmic_rays": labels}


@pytest.fixture
def save(tmp_path):
    def save(content, name="review.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return save


class TestIdentity:
    @pytest.mark.parametrize("dtype", [">i2", "uint16", "int32", "float32", ">f8"])
    @pytest.mark.parametrize("ending", [".fits", ".fits.gz", ".fits.fz"])
    def test_it_survives_a_file(self, tmp_path, dtype, ending):
        cleaned = crp.clean_cosmic_rays(hit_frame(dtype))
        path = crp.write_ccd(cleaned, tmp_path / f"frame{ending}")
        assert cleaning_id(crp.read_ccd(path)) == cleaning_id(cleaned)

    def test_it_survives_a_pickle_and_a_deep_copy(self, cleaned):
        assert cleaning_id(pickle.loads(pickle.dumps(cleaned))) == cleaning_id(copy.deepcopy(cleaned))

    def test_another_cleaning_has_another(self, ccd, cleaned):
        assert cleaning_id(crp.clean_cosmic_rays(ccd, repair="median")) != cleaning_id(cleaned)
        assert cleaning_id(crp.clean_cosmic_rays(ccd, "median", thresh=1e6)) != cleaning_id(cleaned)
        ccd.data[10, 12] += 1
        assert cleaning_id(crp.clean_cosmic_rays(ccd)) != cleaning_id(cleaned)


class TestApplying:
    def test_what_is_no_cosmic_ray_goes_back_bit_for_bit(self, ccd, cleaned, save):
        restored = crp.apply_review(cleaned, save(review_of(judge(cleaned, [2]))))
        track = (np.arange(20, 26), np.arange(25, 31))
        assert same_bits(restored.data[track], ccd.data[track])
        assert not restored.mask[track].any()
        assert not (restored.flags[track] & PixelFlag.COSMIC_RAY).any()
        assert (restored.meta["CRNEVENT"], restored.meta["CRNPIX"]) == (2, 2)
        assert len(crp.cr_segments(restored).table) == 2
        assert same_bits(restored.data[30, 40:41], cleaned.data[30, 40:41])

    def test_the_rest_can_still_be_restored(self, ccd, cleaned, save):
        restored = crp.apply_review(cleaned, save(review_of(judge(cleaned, [1, 3]))))
        assert same_bits(crp.restore_cosmic_rays(restored).data, ccd.data)

    def test_it_is_found_among_those_of_other_frames(self, ccd, cleaned, save):
        other = crp.clean_cosmic_rays(ccd, "median", thresh=1e6)
        path = save(review_of(judge(other, [], "other.fits"), judge(cleaned, [1])))
        assert crp.apply_review(cleaned, path).meta["CRNEVENT"] == 2

    def test_a_frame_of_another_name_and_the_same_content_is_the_same(self, cleaned, save):
        path = save(review_of(judge(cleaned, [1], "before.fits")))
        assert crp.apply_review(cleaned, path, name="after.fits").meta["CRNEVENT"] == 2

    def test_one_of_another_frame_is_refused(self, ccd, cleaned, save):
        other = crp.clean_cosmic_rays(ccd, "median", thresh=1e6)
        with pytest.raises(CosmicRayError, match=r"of other frames, 'other.fits'; expected one of 'frame.fits'"):
            crp.apply_review(cleaned, save(review_of(judge(other, [], "other.fits"))), name="frame.fits")

    def test_one_of_an_older_cleaning_is_refused(self, cleaned, save):
        path = save(review_of(judge(cleaned, [1])))
        restored = crp.apply_review(cleaned, path)
        with pytest.raises(CosmicRayError, match=r"another cleaning of 'frame.fits'.*Write the report anew"):
            crp.apply_review(restored, path, name="frame.fits")

    def test_a_label_that_is_not_there_is_refused(self, cleaned, save):
        with pytest.raises(CosmicRayError, match="label 4; expected labels from 1 to 3"):
            crp.apply_review(cleaned, save(review_of(judge(cleaned, [4]))))


class TestHostileFiles:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda review: [], "the file as list"),
            (lambda review: {**review, "format": "something"}, "format 'something'"),
            (lambda review: {**review, "version": 2}, "version 2; expected 1"),
            (lambda review: {**review, "more": 1}, "more"),
            (lambda review: {**review, "frames": {}}, "frames that are not a list"),
            (lambda review: {**review, "frames": [1]}, "a frame as int"),
            (lambda review: {**review, "frames": review["frames"] * 2}, "a frame twice"),
        ],
    )
    def test_a_file_of_another_shape_is_refused(self, cleaned, save, change, message):
        path = save(change(review_of(judge(cleaned, [1]))))
        with pytest.raises(CosmicRayError, match=rf"{message}.*Save the review anew"):
            crp.apply_review(cleaned, path)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"not_cosmic_rays": "1,2"}, "not_cosmic_rays '1,2'"),
            ({"not_cosmic_rays": [1.0]}, "label 1.0"),
            ({"not_cosmic_rays": [True]}, "label True"),
            ({"not_cosmic_rays": ["1"]}, "label '1'"),
            ({"not_cosmic_rays": [0]}, "label 0"),
            ({"not_cosmic_rays": [2**40]}, "label 1099511627776"),
            ({"not_cosmic_rays": [1, 1]}, "a label twice"),
            ({"cleaning": "no"}, "cleaning 'no'"),
            ({"cleaning": None}, "cleaning None"),
            ({"file": 3}, "file name 3"),
            ({"extra": 3}, "extra"),
        ],
    )
    def test_a_frame_of_another_shape_is_refused(self, cleaned, save, change, message):
        path = save(review_of({**judge(cleaned, [1]), **change}))
        with pytest.raises(CosmicRayError, match=message):
            crp.apply_review(cleaned, path)

    @pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 100_000, '{"format": NaN, "version": 1, "frames": []}'])
    def test_what_is_no_json_is_refused(self, cleaned, save, text):
        with pytest.raises(CosmicRayError, match=r"review.json"):
            crp.apply_review(cleaned, save(text))

    def test_a_file_that_is_not_there_is_refused(self, cleaned, tmp_path):
        with pytest.raises(CosmicRayError, match="no file"):
            crp.apply_review(cleaned, tmp_path / "review.json")


class TestCommand:
    @pytest.fixture
    def frame(self, cleaned, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return crp.write_ccd(cleaned, tmp_path / "frame.fits")

    def test_the_result_stands_beside_the_frame(self, frame, cleaned, ccd, save, capsys):
        save(review_of(judge(cleaned, [1, 2, 3])))
        before = frame.read_bytes()
        assert main(["restore", "frame.fits", "--review", "review.json"]) == 0
        assert same_bits(crp.read_ccd("frame_restored.fits").data, ccd.data.astype(">f4"))
        assert frame.read_bytes() == before
        assert "wrote frame_restored.fits: 0 events" in capsys.readouterr().out

    def test_in_place_the_table_of_the_night_follows(self, frame, cleaned, save):
        row = {"file": "a.fits", "status": "done", "output": "frame.fits", "n_events": 3, "n_pixels": 8, "verdict": "x"}
        other = {**row, "file": "b.fits", "output": "other.fits"}
        Table([other, row]).write("night.ecsv", format="ascii.ecsv")
        save(review_of(judge(cleaned, [2])))
        assert main(["restore", "frame.fits", "--review", "review.json", "--in-place"]) == 0
        assert fits.getheader("frame.fits")["CRNEVENT"] == 2
        table = Table.read("night.ecsv", format="ascii.ecsv")
        assert list(table["n_events"]) == [3, 2]
        assert list(table["n_pixels"]) == [8, 2]
        assert table["verdict"][1] == fits.getheader("frame.fits")["CRVERDCT"]

    def test_a_review_that_does_not_fit_changes_nothing(self, frame, cleaned, save, capsys):
        save(review_of({**judge(cleaned, [1]), "cleaning": "0" * 64}))
        before = frame.read_bytes()
        assert main(["restore", "frame.fits", "--review", "review.json", "--in-place"]) == 1
        assert "another cleaning of 'frame.fits'" in capsys.readouterr().err
        assert frame.read_bytes() == before

    @pytest.mark.parametrize(
        "words", [["--review", "review.json", "--labels", "1"], ["out.fits", "--in-place"], ["--review", "no.json"]]
    )
    def test_words_that_contradict_each_other_are_wrong_usage(self, frame, cleaned, save, words):
        save(review_of(judge(cleaned, [1])))
        assert main(["restore", "frame.fits", *words]) == 2


class TestSeveralFrames:
    """A file with a frame in each of three extensions."""

    @pytest.fixture
    def mosaic(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        raw = write_mosaic(tmp_path / "raw" / "mosaic.fits", 3)
        crp.clean_collection([raw], tmp_path / "night", detector="median", thresh=40, n_workers=1)
        return tmp_path / "night" / "mosaic.fits"

    @pytest.fixture
    def raw(self, mosaic):
        return {hdu: crp.read_ccd("raw/mosaic.fits", hdu=hdu) for hdu in (1, 2, 3)}

    def test_a_review_goes_to_the_frames_it_speaks_of(self, mosaic, raw, save):
        cleaned = {hdu: crp.read_ccd(mosaic, hdu=hdu) for hdu in (1, 2, 3)}
        save(review_of(judge(cleaned[1], [2], "mosaic.fits[1]"), judge(cleaned[3], [1, 2, 3], "mosaic.fits[3]")))
        assert main(["restore", str(mosaic), "--review", "review.json", "--in-place"]) == 0
        now = {hdu: crp.read_ccd(mosaic, hdu=hdu) for hdu in (1, 2, 3)}
        assert [now[hdu].meta.get("CRNEVENT") for hdu in (1, 2, 3)] == [2, 3, None]
        assert same_bits(now[2].data, cleaned[2].data)
        assert same_bits(now[3].data, raw[3].data)
        assert same_bits(now[1].restore_cosmic_rays().data, raw[1].data)
        assert Table.read(mosaic.with_name("night.ecsv"))["n_events"].tolist() == [5]

    def test_a_review_of_an_older_cleaning_of_one_of_them_changes_nothing(self, mosaic, save):
        cleaned = {hdu: crp.read_ccd(mosaic, hdu=hdu) for hdu in (1, 2)}
        older = cleaned[1].restore_cosmic_rays(labels=1)
        save(review_of(judge(older, [1], "mosaic.fits[1]"), judge(cleaned[2], [1], "mosaic.fits[2]")))
        before = mosaic.read_bytes()
        assert main(["restore", str(mosaic), "--review", "review.json", "--in-place"]) == 1
        assert mosaic.read_bytes() == before

    def test_without_more_words_all_of_them_go_back(self, mosaic, raw):
        assert main(["restore", str(mosaic), "back.fits"]) == 0
        assert all(same_bits(crp.read_ccd("back.fits", hdu=hdu).data, raw[hdu].data) for hdu in raw)
        with fits.open("raw/mosaic.fits") as before, fits.open("back.fits") as after:
            assert [hdu.name for hdu in after] == [hdu.name for hdu in before]

    def test_one_of_them_is_chosen_by_its_hdu(self, mosaic, raw):
        assert main(["restore", str(mosaic), "back.fits", "--hdu", "1", "--labels", "1,2,3"]) == 0
        back = {hdu: crp.read_ccd("back.fits", hdu=hdu) for hdu in raw}
        assert [ccd.meta.get("CRNEVENT") for ccd in back.values()] == [None, 3, 3]
        assert back[1].flags is None
        assert main(["restore", "back.fits", "all.fits"]) == 0
        assert all(same_bits(crp.read_ccd("all.fits", hdu=hdu).data, raw[hdu].data) for hdu in raw)

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--labels", "1"], "expected labels of one frame. Give --hdu."),
            (["--hdu", "9"], "expected an HDU with a frame: 1, 2, 3."),
        ],
    )
    def test_a_frame_that_is_not_said_or_not_there_is_wrong_usage(self, mosaic, words, message, capsys):
        assert main(["restore", str(mosaic), *words]) == 2
        assert message in capsys.readouterr().err
