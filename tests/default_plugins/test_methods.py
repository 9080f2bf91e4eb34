# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The methods on CCDData: installed, left alone, taken away.
"""

import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import PluginWarning
from ccdproc_crplugin.default_plugins import methods

NAMES = ["clean_cosmic_rays", "cr_segments", "cr_preflight", "cr_tune", "restore_cosmic_rays"]


@pytest.fixture(autouse=True)
def as_before():
    yield
    methods.uninstall()
    methods.install()


@pytest.mark.parametrize("name", NAMES)
def test_the_function_itself_is_the_method(name):
    assert getattr(CCDData, name) is getattr(crp, name)


def test_installing_twice_changes_nothing(recwarn):
    before = dict(vars(CCDData))
    methods.install()
    assert dict(vars(CCDData)) == before
    assert not recwarn.list


def test_uninstalling_takes_all_of_ours_away_and_nothing_else():
    others = set(vars(CCDData)) - set(NAMES)
    methods.uninstall()
    assert set(vars(CCDData)) == others


def test_uninstalling_twice_does_no_harm():
    installed = dict(vars(CCDData))
    methods.uninstall()
    bare = dict(vars(CCDData))
    methods.uninstall()
    assert dict(vars(CCDData)) == bare
    methods.install()
    assert dict(vars(CCDData)) == installed


def test_an_attribute_that_is_not_ours_is_left_alone_with_a_warning():
    methods.uninstall()
    CCDData.cr_segments = "theirs"
    try:
        with pytest.warns(PluginWarning, match="already has an attribute 'cr_segments', which is left alone"):
            methods.install()
        assert CCDData.cr_segments == "theirs"
        assert CCDData.clean_cosmic_rays is crp.clean_cosmic_rays
        methods.uninstall()
        assert CCDData.cr_segments == "theirs"
    finally:
        del CCDData.cr_segments


def test_what_somebody_else_put_in_our_place_stays():
    CCDData.cr_segments = "theirs"
    try:
        methods.uninstall()
        assert CCDData.cr_segments == "theirs"
    finally:
        del CCDData.cr_segments


def test_subclasses_have_the_methods_too():
    class InstrumentFrame(CCDData):
        pass

    assert InstrumentFrame.clean_cosmic_rays is crp.clean_cosmic_rays


def test_everything_after_the_data_is_given_by_keyword():
    import inspect

    positional = {"clean_cosmic_rays": ["ccd", "detector"], "cr_segments": ["ccd", "n_pixels"], "cr_preflight": ["ccd"]}
    for name, expected in positional.items():
        parameters = inspect.signature(getattr(crp, name)).parameters.values()
        assert [par.name for par in parameters if par.kind is par.POSITIONAL_OR_KEYWORD] == expected
