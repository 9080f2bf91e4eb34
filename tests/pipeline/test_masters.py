# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Groups of calibration frames and the combined frames that are made of them.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from astropy.io import fits

import ccdproc_crplugin as crp

from ..helpers.nights import (
    SHAPE,
    by_file,
    level,
    level_of,
    reduce,
    subtract_bias,
    write_biases,
    write_frame,
)


class TestCombinedFrames:
    def test_that_of_an_earlier_run_is_not_taken_for_one_that_failed(self, biased, output):
        subtract_bias(biased, output)
        shutil.rmtree(biased)
        write_biases(biased, 500)
        write_frame(biased / "light.fits", data=level(1000))
        table = subtract_bias(biased, output, combine={"memory_limit": 1000})
        assert set(by_file(table).values()) == {"failed"}
        assert "bias_gain2.fits could not be made: Found memory_limit" in by_file(table, "reason")["light.fits"]
        subtract_bias(biased, output)
        assert level_of(output / "light.fits") == pytest.approx(500, abs=2)

    def test_one_that_took_the_name_of_another_is_not_taken_for_it(self, biased, output):
        for path in biased.glob("bias*"):
            path.unlink()
        write_biases(biased, 300, "a", **{"CCD-TEMP": -10.3})
        write_biases(biased, 500, "b", **{"CCD-TEMP": -9.8})
        fits.setval(biased / "light.fits", "CCD-TEMP", value=-9.8)
        apart = {"combine": {"temperature_tolerance": 0.2}}
        subtract_bias(biased, output, **apart)
        for path in biased.glob("a_*"):
            path.unlink()
        write_frame(biased / "late.fits", data=level(1000), **{"CCD-TEMP": -9.8})
        subtract_bias(biased, output, **apart)
        assert level_of(output / "late.fits") == pytest.approx(500, abs=2)

    def test_a_file_of_the_user_in_its_place_is_left_alone(self, biased, output):
        mine = output / "calibration" / "bias_gain2.fits"
        mine.parent.mkdir(parents=True)
        fits.writeto(mine, np.full(SHAPE, 7, "i2"))
        table = subtract_bias(biased, output)
        assert set(by_file(table).values()) == {"failed"}
        assert "which no run wrote" in by_file(table, "reason")["bias_0.fits"]
        assert level_of(mine) == 7

    @pytest.mark.parametrize("executor", [None, ThreadPoolExecutor])
    def test_each_frame_left_out_is_named_among_those_of_its_group(self, tmp_path, output, executor):
        for number, filter_ in enumerate("BVR"):
            night = tmp_path / "raw" / f"night_{number}"
            for frame in range(4):
                write_frame(night / f"flat  {frame}.fits", "flat", level(9000, frame), FILTER=filter_)
            bad = night / f"flat  {number}.fits"
            bad.write_bytes(bad.read_bytes()[:-2880])
        config = {
            "night": {"input": str(tmp_path / "raw"), "output": str(output), "subfolders": True},
            "step": [{"name": "correct_flat"}],
        }
        if executor is None:
            table = crp.reduce_night(config, n_workers=1)
        else:
            with executor(3) as pool:
                table = crp.reduce_night(config, executor=pool)
        failed = {file for file, status in by_file(table).items() if status == "failed"}
        assert failed == {f"night_{number}/flat  {number}.fits" for number in range(3)}


class TestBadFrames:
    def test_a_bad_calibration_frame_costs_only_itself(self, raw, output):
        write_frame(raw / "bias_9.fits", "zero", np.full(SHAPE, np.nan, "f4"), EXPTIME=0.0, BUNIT="adu")
        whole = (raw / "flat_0.fits").read_bytes()
        (raw / "flat_9.fits").write_bytes(whole[:-3000])
        for _ in range(2):
            status = by_file(reduce(raw, output))
            assert {name for name in status if status[name] == "failed"} == {"bias_9.fits", "flat_9.fits"}
        assert fits.getval(output / "calibration" / "bias_gain2.fits", "NCOMBINE") == 3
