# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Errors say what was found, what is expected and what to do, in the spelling of their reader; the checks of arguments.
"""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest

from ccdproc_crplugin.cli.messages import UsageError
from ccdproc_crplugin.errors import (
    CosmicRayError,
    advice,
    check_bool,
    check_callable,
    check_choice,
    check_number,
    check_ranges,
    check_whole,
    joined_errors,
    reason_of,
    spelled,
    wording,
    wrong_value,
)

ADVICE = "Give {gain} in electron/adu, {force=True} or {unit='adu'}, or {restore_cosmic_rays()} first."


def as_setting(name, value):
    """Another spelling than Python's."""
    return f"<{name}>" if value in ("", "()") else f"<{name}: {value}>"


class TestSpelling:
    def test_python_spells_keywords_and_functions(self):
        expected = "Found it. Give gain= in electron/adu, force=True or unit='adu', or restore_cosmic_rays first."
        assert str(CosmicRayError("Found it.", ADVICE)) == expected

    def test_others_spell_them_in_their_own_way(self):
        expected = (
            "Found it. Give <gain> in electron/adu, <force: True> or <unit: 'adu'>, or <restore_cosmic_rays> first."
        )
        assert CosmicRayError("Found it.", ADVICE).spelled(as_setting) == expected

    def test_the_wrong_parameter_is_spelled_too(self):
        error = wrong_value("n_pixels", 0, "a whole number of 1 or more")
        assert str(error) == "Found n_pixels=0; expected a whole number of 1 or more."
        assert error.spelled(as_setting) == "Found <n_pixels: 0>; expected a whole number of 1 or more."

    @pytest.mark.parametrize("name", ["frame_hdu=1.fits", "restore_cosmic_rays.fits", "force=True.fits", "{gain}.fits"])
    def test_what_a_user_named_stays_as_it_is(self, name):
        error = CosmicRayError(f"Found {name!r}; expected a FITS file.", "Choose with {hdu}.")
        assert error.spelled(as_setting) == f"Found {name!r}; expected a FITS file. Choose with <hdu>."

    def test_words_around_it_say_where_it_happened(self):
        error = wrong_value("niter", 0, "a whole number", "Give {niter=4}.").within("light.fits: ", " (lacosmic)")
        assert str(error) == "light.fits: Found niter=0; expected a whole number. Give niter=4. (lacosmic)"
        assert error.within("night: ").spelled(as_setting).startswith("night: light.fits: Found <niter: 0>")

    def test_it_may_change_its_class(self):
        error = CosmicRayError("Found it.", ADVICE).within(kind=UsageError)
        assert isinstance(error, UsageError)
        assert error.advice == ADVICE

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
    def test_it_survives_a_copy_and_another_process(self, duplicate):
        error = wrong_value("gain", -1, "a number above 0", "Give {gain}.").within("a: ", " (b)")
        again = duplicate(error)
        assert type(again) is CosmicRayError
        assert (again.advice, again.parameter, again.before, again.after) == (
            "Give {gain}.",
            ("gain", "-1"),
            "a: ",
            " (b)",
        )
        assert str(again) == str(error) == "a: Found gain=-1; expected a number above 0. Give gain=. (b)"


class TestReason:
    def test_of_our_own_it_is_the_message_in_one_line(self):
        assert reason_of(CosmicRayError("Found a\nfile.", "Give {hdu}."), as_setting) == "Found a file. Give <hdu>."

    def test_of_another_it_has_the_type(self):
        assert reason_of(KeyError("BUNIT")) == "KeyError: 'BUNIT'"


class TestChecks:
    @pytest.mark.parametrize("value", [1, 3, np.int16(2), np.uint64(7), 10**400])
    def test_whole_numbers_pass(self, value):
        check_whole("n", value, 1)

    @pytest.mark.parametrize("value", [0, -3, 1.0, True, np.True_, "2", None, np.nan, np.inf, np.array([2]), 2j])
    def test_what_is_no_whole_number_within_the_limits_does_not(self, value):
        with pytest.raises(CosmicRayError, match=r"^Found n=.*; expected a whole number of 1 or more\.$"):
            check_whole("n", value, 1)

    def test_a_whole_number_may_be_too_large_for_a_float(self):
        check_number("number", 10**400, 1)
        with pytest.raises(CosmicRayError, match="expected a number from 0 to 1"):
            check_number("share", 10**400, 0, 1)

    @pytest.mark.parametrize("value", [0.5, 1, np.float32(0.25), Fraction(1, 3)])
    def test_numbers_pass(self, value):
        check_number("share", value, 0, 1)

    @pytest.mark.parametrize(
        "value", [-0.1, 1.5, True, np.True_, "0.5", None, np.nan, np.inf, -np.inf, np.float32(2), 1j]
    )
    def test_what_is_no_number_within_the_limits_does_not(self, value):
        with pytest.raises(CosmicRayError, match=r"^Found share=.*; expected a number from 0 to 1\.$"):
            check_number("share", value, 0, 1)

    def test_a_limit_may_be_left_out_of_the_range(self):
        check_number("sigclip", 1e-9, above=0)
        with pytest.raises(CosmicRayError, match="expected a number above 0"):
            check_number("sigclip", 0, above=0)

    def test_infinity_passes_where_it_means_something(self):
        check_number("sigma_low", np.inf, 0, finite=False)
        with pytest.raises(CosmicRayError):
            check_number("sigma_low", np.nan, 0, finite=False)

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            ({}, "a number"),
            ({"most": 3}, "a number of 3 or less"),
            ({"above": 0, "most": 3}, "above 0 and of 3 or less"),
        ],
    )
    def test_the_message_names_the_limits(self, limits, words):
        with pytest.raises(CosmicRayError, match=rf"{words}\."):
            check_number("x", "many", **limits)

    @pytest.mark.parametrize("value", ["warn", None])
    def test_a_choice_passes(self, value):
        check_choice("preflight", value, ("warn", "off", None))

    @pytest.mark.parametrize("value", ["Warn", 0, False, ["warn"], np.array(["warn", "off"])])
    def test_what_is_not_among_them_does_not(self, value):
        with pytest.raises(CosmicRayError, match=r"; expected one of: 'warn', 'off', None\.$"):
            check_choice("preflight", value, ("warn", "off", None))

    @pytest.mark.parametrize("value", [True, False, np.True_])
    def test_a_switch_passes(self, value):
        check_bool("force", value)

    @pytest.mark.parametrize("value", ["false", 0, 1, None, np.int8(1)])
    def test_what_is_no_switch_does_not(self, value):
        with pytest.raises(CosmicRayError, match="expected True or False"):
            check_bool("force", value)

    def test_something_to_call_or_none_passes(self):
        check_callable("progress", print)
        check_callable("progress", None)
        with pytest.raises(CosmicRayError, match="expected a function, or None"):
            check_callable("progress", "tqdm")

    def test_ranges_name_the_first_that_is_wrong(self):
        check_ranges({"gain": 1.5, "bits": 16}, {"gain": (0.1, 10)}, {"bits": (1, 32)})
        with pytest.raises(CosmicRayError, match=r"Found bits=64; expected a whole number from 1 to 32"):
            check_ranges({"gain": 1.5, "bits": 64}, {"gain": (0.1, 10)}, {"bits": (1, 32)})


def as_option(name, value):
    return f"--{name} {value}".strip()


class TestWording:
    def test_it_is_a_text_for_python_that_knows_other_spellings(self):
        text = advice("give {gain=2}{python:, a Quantity}, or {cr_tune()}")
        assert text == "give gain=2, a Quantity, or cr_tune"
        assert spelled(text, as_option) == "give --gain 2, or --cr_tune ()"

    def test_plain_text_stays_as_it_is(self):
        assert spelled("give {gain}", as_option) == "give {gain}"

    def test_it_survives_a_pickle(self):
        text = pickle.loads(pickle.dumps(wording("Found nothing.", "Give {gain}.")))
        assert text == "Found nothing. Give gain=."
        assert spelled(text, as_option) == "Found nothing. Give --gain."

    def test_it_may_be_the_message_of_an_error(self):
        assert CosmicRayError(advice("Found {gain=2}")).spelled(as_option) == "Found --gain 2"

    def test_errors_are_joined_with_their_advice_at_the_end(self):
        errors = [wrong_value("unit", "m", "adu"), CosmicRayError("No gain.", "Give {gain}."), CosmicRayError("Oh.")]
        assert joined_errors(errors).spelled(as_option) == "Found --unit 'm'; expected adu. No gain. Oh. Give --gain."
