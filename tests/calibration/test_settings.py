# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What `combine_calibrations` may be given.
"""

import inspect
from dataclasses import MISSING, fields

import numpy as np
import pytest
from astropy import units as u

from ccdproc_crplugin import CosmicRayError, combine_calibrations
from ccdproc_crplugin.calibration.settings import CombineSettings, check_argument, memory_of_machine


class TestSettings:
    def test_they_have_the_names_and_defaults_of_the_keywords(self):
        keywords = inspect.signature(combine_calibrations).parameters.values()
        defaults = {keyword.name: keyword.default for keyword in keywords if keyword.kind is keyword.KEYWORD_ONLY}
        settings = {field.name: field.default for field in fields(CombineSettings)}
        assert settings == defaults | {"keys": MISSING}

    def test_memory_is_a_quarter_of_the_machine_unless_it_is_given(self):
        assert CombineSettings().memory == memory_of_machine() // 4
        assert CombineSettings(memory_limit=2 * u.kbyte).memory == 2000

    def test_a_keyword_can_be_checked_alone(self):
        check_argument("method", "median")
        check_argument("not_a_keyword", "anything")
        with pytest.raises(CosmicRayError, match="Found n_iterations=-1; expected a whole number of 0 or more"):
            check_argument("n_iterations", -1)


class TestArguments:
    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"method": "mean"}, "method='mean'; expected one of: 'average', 'median'"),
            ({"sigma_low": -1}, "sigma_low=-1; expected a number of 0 or more"),
            ({"sigma_high": "five"}, "sigma_high='five'; expected a number"),
            ({"n_iterations": float("nan")}, "n_iterations=nan"),
            ({"temperature_tolerance": None}, "temperature_tolerance=None"),
            ({"memory_limit": -1}, "memory_limit=-1"),
            ({"memory_limit": 5 * u.m}, "memory_limit=<Quantity 5. m>; expected a Quantity in byte"),
            ({"method": np.array(["median", "average"])}, "expected one of: 'average', 'median'"),
            ({"n_iterations": float("inf")}, "n_iterations=inf; expected a whole number of 0 or more"),
            ({"n_iterations": 1.5}, "n_iterations=1.5; expected a whole number of 0 or more"),
            ({"clip_scaled": "no"}, "clip_scaled='no'; expected True or False"),
            ({"overwrite": "no"}, "overwrite='no'; expected True or False"),
            ({"subtract": "no"}, "subtract='no'; expected True or False"),
            ({"unit": "foo"}, "unit='foo', which is no unit"),
            ({"unit": 5}, "unit=5, which is no unit"),
            ({"hdu": "x"}, "hdu='x'; expected a whole number"),
            ({"masters": 5}, "masters=5; expected a list of paths"),
            ({"masters": "bias.fits"}, "masters='bias.fits'; expected a list of paths"),
            ({"keys": 5}, "keys=5; expected a mapping"),
            ({"keys": {"bias_0.fits": 5}}, "expected a mapping of paths to CalibrationKey"),
            ({"prepare": 5}, "prepare=5; expected a function"),
            ({"progress": 5}, "progress=5; expected a function"),
        ],
    )
    def test_wrong_ones_are_refused_before_a_file_is_opened(self, tmp_path, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            combine_calibrations([tmp_path / "not_there.fits"], tmp_path / "o", **keywords)
        assert not (tmp_path / "o").exists()

    @pytest.mark.parametrize("output", [None, 5, "", "a\0b"])
    def test_the_output_is_the_name_of_a_folder(self, tmp_path, output):
        with pytest.raises(CosmicRayError, match=r"Found output=.*; expected the name of a folder"):
            combine_calibrations([tmp_path / "not_there.fits"], output)
