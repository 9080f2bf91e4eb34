# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What ``ccdcr`` prints, and how it spells the parameters that errors name.
"""

import warnings
from argparse import Namespace

import pytest
from astropy.table import Table

from ccdproc_crplugin.cli.messages import UsageError, calm, say, show, show_table, spelling, telling, wrong_usage
from ccdproc_crplugin.errors import CosmicRayError, PluginWarning, PreflightWarning, wrong_value

CLEAN = Namespace(gain=None, force=False, hdu=None, n_pixels=3, unit=None, parameter=[])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("gain", "", "--gain"),
        ("gain", "-1", "--gain -1"),
        ("n_pixels", "0", "--n-pixels 0"),
        ("force", "True", "--force"),
        ("unit", "'adu'", "--unit adu"),
        ("restore_cosmic_rays", "()", "ccdcr restore"),
        ("niter", "0", "-p niter=0"),
        ("fsmode", "'best'", "-p fsmode=best"),
    ],
)
def test_parameters_are_spelled_as_options_and_functions_as_sub_commands(name, value, expected):
    assert spelling(CLEAN)(name, value) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("n_workers", "1", "--workers 1"), ("unit", "'adu'", "unit=adu"), ("unit", "", "unit")],
)
def test_a_sub_command_spells_the_options_that_it_has(name, value, expected):
    assert spelling(Namespace(workers=None))(name, value) == expected


@pytest.mark.parametrize("name", ["frame_hdu=1.fits", "restore_cosmic_rays.fits", "{gain}.fits"])
def test_what_a_user_named_stays_as_it_is(name):
    error = CosmicRayError(f"Found {name!r}; expected one image.", "Choose with {hdu}.")
    assert error.spelled(spelling(CLEAN)) == f"Found {name!r}; expected one image. Choose with --hdu."


def test_an_error_can_become_one_of_usage():
    with pytest.raises(UsageError) as caught, wrong_usage():
        raise wrong_value("gain", -1, "a number above 0", "Give {gain}.")
    assert caught.value.spelled(spelling(CLEAN)) == "Found --gain -1; expected a number above 0. Give --gain."


def warn():
    warnings.warn("of a library", UserWarning, stacklevel=1)
    warnings.warn("of the preflight", PreflightWarning, stacklevel=1)
    warnings.warn("of a plugin", PluginWarning, stacklevel=1)


def test_warnings_of_libraries_are_kept_back():
    with calm() as messages:
        warn()
    assert messages == ["of the preflight", "of a plugin"]


def test_the_others_are_printed_at_the_end_even_after_an_error(capsys):
    with pytest.raises(KeyError), telling():
        warn()
        raise KeyError
    assert capsys.readouterr().err == "of the preflight\nof a plugin\n"


def test_results_and_messages_have_their_own_streams_and_no_control_characters(capsys):
    show("a\x1b[31m", "b")
    say("c\nd")
    assert capsys.readouterr() == ("a\\x1b[31m\nb\n", "c\\nd\n")


def test_columns_stay_aligned_beside_a_name_with_control_characters(capsys):
    table = Table({"file": ["a.fits", "line\u2028sep.fits"], "events": [1, 2]})
    show_table(table)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["line\\u2028sep.fits", "2"]
    assert len({len(line) for line in lines}) == 1
    assert table["file"].info.format is None
