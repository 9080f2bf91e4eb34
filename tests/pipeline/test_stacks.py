# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Light frames of one field, which a step takes together.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, StackStep, plugins
from ccdproc_crplugin.plugins.hookspecs import hookimpl

from ..helpers.exposures import expose, scene
from ..helpers.nights import by_file, config, contents, reduce, write_frame

STEP = {"name": "clean_cosmic_rays_stack", "preflight": "off"}
CARDS = {"GAIN": 1.0, "RDNOISE": 5.0, "OBJECT": "M 31"}

#: A cosmic ray of each exposure.
TRACK = {number: [((20 + 12 * number, 40 + i), 1500) for i in range(5)] for number in (1, 2, 3)}


def write_light(folder, number, shape=(80, 90), **cards):
    data = expose(scene(shape), number, TRACK[number]).round().clip(0).astype("uint16")
    return write_frame(folder / f"light_{number}.fits", data=data, **{**CARDS, **cards})


@pytest.fixture
def field(tmp_path):
    """Three exposures of a field."""
    for number in TRACK:
        write_light(tmp_path / "raw", number)
    return tmp_path / "raw"


def test_the_exposures_of_a_field_are_cleaned_by_comparing_them(field, output):
    table = reduce(field, output, STEP)
    assert set(by_file(table).values()) == {"done"}
    assert set(by_file(table, "detector").values()) == {"stack"}
    for number, track in TRACK.items():
        cleaned = crp.read_ccd(output / f"light_{number}.fits")
        assert all(cleaned.flags[place] & 1 for place, _ in track)
        assert "clean_cosmic_rays_stack(" in "".join(cleaned.meta["HISTORY"])


def test_they_are_what_the_function_makes_of_the_frames(field, output):
    reduce(field, output, STEP)
    raw = [crp.read_ccd(field / f"light_{number}.fits", unit="adu") for number in TRACK]
    for number, cleaned in enumerate(crp.clean_cosmic_rays_stack(raw, preflight="off"), start=1):
        result = crp.read_ccd(output / f"light_{number}.fits")
        np.testing.assert_array_equal(result.data, cleaned.data)
        np.testing.assert_array_equal(result.flags, cleaned.flags)


def test_steps_before_and_after_are_done_on_each_frame(field, output):
    table = reduce(field, output, "correct_gain", STEP, "measure_events")
    assert by_file(table, "steps")["light_1.fits"].startswith("correct_gain; clean_cosmic_rays_stack(")
    assert by_file(table, "parameters")["light_1.fits"] == '{"preflight": "off"}'
    assert (output / "light_1_events.ecsv").exists()
    assert crp.read_ccd(output / "light_1.fits").unit == "electron"


@pytest.mark.parametrize("cards", [{"FILTER": "R"}, {"EXPTIME": 30.0}, {"OBJECT": "M 33"}])
def test_object_filter_and_exposure_tell_fields_apart(field, output, cards):
    (field / "light_3.fits").unlink()
    write_light(field, 3, **cards)
    table = reduce(field, output, STEP)
    assert by_file(table) == {"light_1.fits": "done", "light_2.fits": "done", "light_3.fits": "failed"}
    assert "no other exposure of its object" in by_file(table, "reason")["light_3.fits"]


def test_the_spelling_of_an_object_does_not_count(field, output):
    (field / "light_3.fits").unlink()
    write_light(field, 3, OBJECT="m31")
    assert set(by_file(reduce(field, output, STEP)).values()) == {"done"}


def test_a_frame_that_names_no_object_fails(field, output):
    with fits.open(field / "light_2.fits", mode="update") as hdus:
        del hdus[0].header["OBJECT"]
    table = reduce(field, output, STEP)
    assert "Found no object in the header (looked for OBJECT" in by_file(table, "reason")["light_2.fits"]
    assert by_file(table)["light_3.fits"] == "done"


def test_the_plan_lists_the_exposures_of_a_field(field, output):
    plan = str(crp.plan_night(config(field, output, STEP)))
    assert "Exposures of one field:\n  light_1.fits, light_2.fits, light_3.fits\n" in plan


class TestTroubleOfOneFrame:
    def check(self, field, output, number=2, **tables):
        table = reduce(field, output, STEP, **tables)
        expected = {f"light_{one}.fits": "failed" if one == number else "done" for one in TRACK}
        assert by_file(table) == expected
        return by_file(table, "reason")[f"light_{number}.fits"]

    def test_a_file_that_is_cut_off(self, field, output):
        path = field / "light_2.fits"
        path.write_bytes(path.read_bytes()[:9000])
        assert self.check(field, output)

    def test_no_gain(self, field, output):
        with fits.open(field / "light_2.fits", mode="update") as hdus:
            del hdus[0].header["GAIN"]
        assert self.check(field, output).startswith("clean_cosmic_rays_stack: Found no gain")

    def test_another_shape(self, field, output):
        (field / "light_2.fits").unlink()
        write_light(field, 2, shape=(80, 92))
        assert "no other exposure of its object, filter, exposure time and shape" in self.check(field, output)

    def test_more_hits_than_can_be(self, field, output):
        with fits.open(field / "light_2.fits", mode="update") as hdus:
            hdus[0].data[::3, ::3] += 3000
        assert "Found cosmic rays on" in self.check(field, output)

    def test_a_file_of_somebody_else_in_the_place_of_the_result(self, field, output):
        output.mkdir()
        (output / "light_2.fits").write_bytes(b"mine")
        assert "which no run wrote" in self.check(field, output)

    def test_the_others_are_as_if_it_were_not_there(self, field, output, tmp_path):
        path = field / "light_2.fits"
        path.write_bytes(path.read_bytes()[:9000])
        reduce(field, output, STEP)
        path.unlink()
        reduce(field, tmp_path / "two", STEP)
        for name in ("light_1.fits", "light_3.fits"):
            ours, theirs = crp.read_ccd(output / name), crp.read_ccd(tmp_path / "two" / name)
            np.testing.assert_array_equal(ours.data, theirs.data)

    def test_the_last_of_a_field_says_that_none_is_left(self, field, output):
        (field / "light_3.fits").unlink()
        path = field / "light_2.fits"
        path.write_bytes(path.read_bytes()[:9000])
        table = reduce(field, output, STEP)
        assert "no other exposure" in by_file(table, "reason")["light_1.fits"]


class TestRunAgain:
    def test_what_is_done_is_kept(self, field, output):
        reduce(field, output, STEP)
        before = contents(output)
        assert set(by_file(reduce(field, output, STEP)).values()) == {"kept"}
        assert contents(output) == before

    def test_a_lost_table_does_not_matter(self, field, output):
        reduce(field, output, STEP)
        (output / "night.ecsv").unlink()
        assert set(by_file(reduce(field, output, STEP)).values()) == {"kept"}

    def test_a_lost_result_is_made_again_byte_by_byte(self, field, output):
        reduce(field, output, STEP)
        before = contents(output)
        (output / "light_2.fits").unlink()
        assert set(by_file(reduce(field, output, STEP)).values()) == {"done"}
        assert contents(output) == before

    def test_another_exposure_of_the_field_changes_the_results_of_all(self, field, output):
        late = (field / "light_3.fits").rename(field.parent / "late.fits")
        reduce(field, output, STEP)
        late.rename(field / "light_3.fits")
        assert set(by_file(reduce(field, output, STEP)).values()) == {"done"}

    def test_an_edited_result_stays(self, field, output):
        reduce(field, output, STEP)
        path = output / "light_2.fits"
        edited = crp.add_cosmic_rays(crp.read_ccd(path), np.eye(80, 90, dtype=bool))
        crp.write_ccd(edited, path, overwrite=True)
        before = path.read_bytes()
        table = reduce(field, output, {**STEP, "sigma": 6.0})
        assert by_file(table) == {"light_1.fits": "done", "light_2.fits": "kept", "light_3.fits": "done"}
        assert "edited by hand" in by_file(table, "reason")["light_2.fits"]
        assert path.read_bytes() == before


def test_two_workers_write_the_same_bytes(field, output, tmp_path):
    for number in TRACK:
        (field / f"light_{number + 3}.fits").write_bytes((field / f"light_{number}.fits").read_bytes())
        with fits.open(field / f"light_{number + 3}.fits", mode="update") as hdus:
            hdus[0].header["OBJECT"] = "M 33"
    reduce(field, output, STEP)
    reduce(field, tmp_path / "two", STEP, n_workers=2)
    assert len(contents(output)) == 6
    assert contents(tmp_path / "two") == contents(output)


def test_files_of_several_frames_are_compared_frame_by_frame(tmp_path, output):
    for number in (1, 2):
        hdus = [fits.PrimaryHDU(header=fits.Header({"IMAGETYP": "object", "EXPTIME": 60.0, **CARDS}))]
        for chip in (1, 2):
            data = expose(scene(seed=chip), 10 * chip + number, TRACK[number] if chip == 2 else ())
            hdus.append(fits.ImageHDU(data.round().clip(0).astype("uint16"), name=f"CHIP{chip}"))
        (tmp_path / "raw").mkdir(exist_ok=True)
        fits.HDUList(hdus).writeto(tmp_path / "raw" / f"light_{number}.fits")
    table = reduce(tmp_path / "raw", output, STEP)
    assert set(by_file(table).values()) == {"done"}
    with fits.open(output / "light_1.fits") as hdus:
        counts = [hdu.header["CRNPIX"] for hdu in hdus if "CRNPIX" in hdu.header]
    assert counts[0] == 0
    assert counts[1] >= 5


def write_dithered(folder, field, hot_in):
    """Exposures of a field, shifted one against the other, with hot pixels by the numbers of those that have them."""
    for number in (1, 2, 3):
        hits = [(place, 1500) for place, numbers in hot_in.items() if number in numbers]
        data = expose(scene(shift=(4.0 * number, -3.0 * number), seed=7), 10 * field + number, hits)
        cards = {**CARDS, "OBJECT": f"field {field}"}
        write_frame(folder / f"light_{field}_{number}.fits", data=data.round().clip(0).astype("uint16"), **cards)


def test_a_pixel_that_later_frames_show_to_be_hot_is_put_back_in_earlier_ones(tmp_path, output):
    raw, always, later = tmp_path / "raw", (30, 20), (60, 70)
    write_dithered(raw, 1, {always: (1, 2, 3), later: (1, 2)})
    night = config(raw, output, STEP)
    night["night"]["hot_pixels"] = "restore"
    crp.reduce_night(night, n_workers=1)
    flags = crp.read_ccd(output / "light_1_1.fits").flags
    assert (flags[always], flags[later]) == (0, 1)
    write_dithered(raw, 2, {always: (1, 2, 3), later: (1, 2, 3)})
    assert set(by_file(crp.reduce_night(night, n_workers=1)).values()) == {"done", "kept"}
    assert crp.read_ccd(output / "light_1_1.fits").flags[later] == 0
    night["night"]["output"] = str(tmp_path / "at once")
    crp.reduce_night(night, n_workers=1)
    assert contents(tmp_path / "at once") == contents(output)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigmaa": 3}, "Found the parameter 'sigmaa'"),
        ({"offsets": [[0, 0], [1, 1]]}, "offsets"),
        ({"detector": "lacosmic"}, "stack detector"),
        ({"repair": "magic"}, "repair"),
    ],
)
def test_wrong_parameters_are_refused_before_any_file_is_touched(field, output, parameters, message):
    with pytest.raises(CosmicRayError, match=message):
        reduce(field, output, {**STEP, **parameters})
    assert not output.exists()


class TestStepsOfPlugins:
    @pytest.fixture
    def register(self):
        names = []

        def register(run):
            @hookimpl
            def ccdcr_steps():
                return [StackStep("mine", "a step on exposures", run)]

            names.append("several")
            plugins.register(SimpleNamespace(ccdcr_steps=ccdcr_steps), "several")

        yield register
        for name in names:
            plugins.unregister(name)

    def test_a_plugin_gets_all_exposures(self, field, output, register):
        def run(ccds, *, factor=1.0):
            return [ccd.multiply(0 * ccd.data + factor * len(ccds), handle_meta="first_found") for ccd in ccds]

        register(run)
        reduce(field, output, {"name": "mine", "factor": 2.0})
        raw = fits.getdata(field / "light_1.fits")
        np.testing.assert_allclose(fits.getdata(output / "light_1.fits"), 6.0 * raw)
        assert "mine(factor=2.0)" in "".join(fits.getheader(output / "light_1.fits")["HISTORY"])

    @pytest.mark.parametrize(
        ("run", "message"),
        [
            (lambda ccds: ccds[:1], "Found 1 frames"),
            (lambda ccds: ccds[0], "Found CCDData"),
            (lambda ccds: 1 / 0, "Zero"),
        ],
    )
    def test_a_wrong_answer_fails_each_exposure(self, field, output, register, run, message):
        register(run)
        table = reduce(field, output, {"name": "mine"})
        assert set(by_file(table).values()) == {"failed"}
        assert all(reason.startswith("mine: ") and message in reason for reason in by_file(table, "reason").values())
