# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The methods on CCDData: installed, left alone, taken away.
"""

import inspect
import re
from inspect import signature

import pytest
from astropy.nddata import CCDData
from ccdproc import ImageFileCollection

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


class TestHelp:
    """What a user sees of a method after Tab, ``Shift-Tab`` or ``?``."""

    @pytest.mark.parametrize("name", NAMES)
    def test_a_frame_shows_signature_and_docstring(self, ccd, name):
        method = getattr(ccd, name)
        assert "ccd" not in signature(method).parameters
        assert inspect.getdoc(method).count("\n") > 10
        assert (method.__name__, method.__qualname__) == (name, name)

    @pytest.mark.parametrize("name", NAMES)
    def test_the_docstring_has_every_parameter(self, ccd, name):
        parameters = signature(getattr(CCDData, name)).parameters.values()
        described = inspect.getdoc(getattr(CCDData, name)).partition("Returns\n---")[0]
        for parameter in parameters:
            assert re.search(rf"^(\*\*|.*\b){parameter.name}\b.*$", described, re.MULTILINE), parameter.name

    @pytest.mark.parametrize("name", ["cr_segments", "cr_preflight", "cr_tune"])
    def test_what_is_known_of_a_frame_is_named_by_each_method_as_clean_does(self, name):
        facts = {"gain", "readnoise", "saturation", "dark", "scale_dark", "bias", "bad_pixels", "mosaic"}
        assert facts | {"dispersion_axis"} <= set(signature(getattr(CCDData, name)).parameters)

    def test_a_collection_shows_them_too(self):
        for name in ("select_frames", "clean_cosmic_rays", "combine_calibrations"):
            method = getattr(ImageFileCollection, name)
            assert signature(method).parameters
            assert "Parameters\n---" in inspect.getdoc(method)

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("ccd.cr_t", ".cr_tune"),
            ("ccd.clean_cosmic_rays(readn", "readnoise="),
            ("ccd.cr_segments(ga", "gain="),
            ("ccd.cr_segments(refi", "refine="),
        ],
    )
    def test_tab_completes_methods_and_parameters(self, ccd, typed, offered):
        completer = pytest.importorskip("IPython.core.completer")
        tab = completer.IPCompleter(shell=None, namespace={"ccd": ccd}, global_namespace={}, use_jedi=False)
        with completer.provisionalcompleter():
            assert offered in {completion.text for completion in tab.completions(typed, len(typed))}


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
