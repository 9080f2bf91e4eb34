# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The notebook viewer, on every image widget that is installed.

``CCDCR_TEST_WIDGETS`` names those that must be.
"""

import io
import os
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from astropy.nddata import CCDData

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError
from ccdproc_crplugin.events.gallery import cut_out
from ccdproc_crplugin.events.image_widget import OlderImageWidget, follow_protocol, open_widget, width_of

from ..helpers.hit_frames import hit_frame

#: The label of each event of `hit_frame`, the largest first, and its middle (x, y).
LARGEST_FIRST = [2, 1, 3]
MIDDLES = {1: (12, 10), 2: (27, 22), 3: (40, 30)}


class TinyWidget:
    """As little as follows the protocol: each image has its own viewport and cuts; the last one loaded is shown."""

    image_width = 500

    def __init__(self):
        self.images, self.viewports, self.cuts = {}, {}, {}

    def load_image(self, data, image_label=None, **kwargs):
        self.shown = image_label
        self.images[image_label] = data
        self.viewports[image_label] = {"center": (0, 0), "fov": max(data.shape)}

    def set_viewport(self, center=None, fov=None, image_label=None, **kwargs):
        self.viewports[image_label].update(center=center, fov=fov)

    def get_viewport(self, sky_or_pixel=None, image_label=None, **kwargs):
        assert sky_or_pixel == "pixel"
        return self.viewports[image_label]

    def set_cuts(self, cuts, image_label=None, **kwargs):
        self.cuts[image_label] = cuts


def reference():
    from astro_image_display_api.image_viewer_logic import ImageViewerLogic

    return ImageViewerLogic()


def bqplot():
    with warnings.catch_warnings():
        # bqplot uses traitlets in ways that traitlets has deprecated.
        warnings.filterwarnings("ignore", "metadata .* was set from the constructor", DeprecationWarning)
        warnings.filterwarnings("ignore", "Passing unrecognized arguments to super", DeprecationWarning)
        from astrowidgets.bqplot import ImageWidget

        return ImageWidget()


#: What makes a widget, and the module that it needs.
WIDGETS = {
    "tiny": (TinyWidget, "numpy"),
    "reference": (reference, "astro_image_display_api"),
    "astrowidgets": (open_widget, "astrowidgets"),
    "bqplot": (bqplot, "bqplot"),
}
REQUIRED = os.environ.get("CCDCR_TEST_WIDGETS", "").split(",")
AVAILABLE = [name for name, (_, module) in WIDGETS.items() if name in REQUIRED or find_spec(module)]

needs_astrowidgets = pytest.mark.skipif("astrowidgets" not in AVAILABLE, reason="astrowidgets is not installed")


@pytest.fixture(params=AVAILABLE)
def widget(request):
    return WIDGETS[request.param][0]()


@pytest.fixture
def drawn():
    """The widget of the installed astrowidgets, which ginga draws."""
    return open_widget()


@pytest.fixture
def segments(cleaned):
    return cleaned.cr_segments()


def viewport(viewer):
    seen = follow_protocol(viewer.widget).get_viewport(sky_or_pixel="pixel", image_label=viewer.image)
    return tuple(seen["center"]), pytest.approx(seen["fov"])


def picture(widget):
    """What ginga has drawn: brightness, 0 to 255, the lowest row of the frame first."""
    from PIL import Image

    widget._viewer.redraw_now()
    return np.asarray(Image.open(io.BytesIO(widget.children[0].value)).convert("L"))[::-1]


def brightness_of_pixels(widget, size):
    """The same, of each of the size x size pixels in view."""
    drawn = picture(widget)
    middles = ((np.arange(size) + 0.5) * len(drawn) / size).astype(int)
    return drawn[np.ix_(middles, middles)]


def test_the_largest_event_comes_first(segments, widget):
    viewer = segments.view(widget=widget)
    assert viewer.labels == LARGEST_FIRST
    assert (viewer.label, viewer.image) == (2, "frame")
    assert viewport(viewer) == (MIDDLES[2], 25)


def test_next_and_previous_walk_in_a_circle(segments, widget):
    viewer = segments.view(widget=widget)
    walk = [viewer.label]
    for _ in range(3):
        viewer.next()
        walk.append(viewer.label)
        assert viewport(viewer) == (MIDDLES[viewer.label], 25)
    assert walk == [2, 1, 3, 2]
    viewer.previous()
    assert viewport(viewer) == (MIDDLES[3], 25)


def test_only_the_events_asked_for_are_walked(segments, widget):
    viewer = segments.view([3, 1, 3], widget=widget)
    assert viewer.labels == [3, 1]
    viewer.next()
    viewer.next()
    assert viewer.label == 3


def test_center_on_goes_to_an_event(segments, widget):
    viewer = segments.view(widget=widget)
    viewer.center_on(3)
    assert viewport(viewer) == (MIDDLES[3], 25)


class TestZoomLevel:
    """Pixels of the screen for a pixel of the frame, as in astrowidgets."""

    @pytest.fixture
    def viewer(self, segments, widget):
        if width_of(widget) is None:
            pytest.skip("the widget has no width")
        return segments.view(widget=widget)

    def test_at_first_an_event_fills_the_widget(self, viewer, widget):
        assert viewer.zoom_level == pytest.approx(width_of(widget) / 25)

    @pytest.mark.parametrize("level", [1, 2, 0.5])
    def test_at_1_a_pixel_of_the_frame_is_one_of_the_screen(self, viewer, widget, level):
        viewer.zoom_level = level
        assert viewport(viewer) == (MIDDLES[2], width_of(widget) / level)
        assert viewer.zoom_level == pytest.approx(level)

    def test_it_stays_from_event_to_event(self, viewer):
        viewer.zoom_level = 40
        viewer.next()
        assert (viewer.label, viewer.zoom_level) == (1, pytest.approx(40))

    def test_none_fits_each_event_again(self, viewer, widget):
        viewer.zoom_level = 3
        viewer.zoom_level = None
        viewer.next()
        assert viewer.zoom_level == pytest.approx(width_of(widget) / 25)

    def test_it_is_that_of_the_user_s_mouse(self, viewer, widget):
        follow_protocol(widget).set_viewport(center=(30, 20), fov=10, image_label="frame")
        assert viewer.zoom_level == pytest.approx(width_of(widget) / 10)


def test_a_widget_that_does_not_tell_its_width_has_no_zoom_level(segments, monkeypatch):
    monkeypatch.delattr(TinyWidget, "image_width")
    viewer = segments.view(widget=TinyWidget())
    viewer.next()
    with pytest.raises(CosmicRayError, match="Found no width of the widget of type 'TinyWidget'"):
        viewer.zoom_level = 2


def test_images_take_turns_under_the_same_viewport(segments, widget, ccd):
    viewer = segments.view(frames={"dark": ccd}, widget=widget)
    turns = []
    for _ in range(5):
        turns.append(viewer.image)
        assert viewport(viewer) == (MIDDLES[2], 25)
        viewer.blink()
    assert turns == ["frame", "cleaned", "mask", "dark", "frame"]


def test_where_the_user_has_moved_to_is_kept_while_blinking(segments, widget):
    viewer = segments.view(widget=widget)
    follow_protocol(widget).set_viewport(center=(30, 20), fov=10, image_label="frame")
    viewer.blink()
    assert viewport(viewer) == ((30, 20), 10)


def test_the_image_stays_from_event_to_event(segments):
    viewer = segments.view(widget=(widget := TinyWidget()))
    viewer.show("cleaned")
    viewer.next()
    assert (viewer.image, widget.shown) == ("cleaned", "cleaned")
    assert widget.viewports["cleaned"]["center"] == MIDDLES[1]


def test_the_images_are_those_of_the_events(segments, ccd, cleaned):
    viewer = segments.view(frames={"dark": ccd.data + 1}, widget=(widget := TinyWidget()))
    for name in viewer.images:
        viewer.show(name)
    np.testing.assert_array_equal(widget.images["frame"], ccd.data)
    np.testing.assert_array_equal(widget.images["cleaned"], cleaned.data)
    np.testing.assert_array_equal(widget.images["mask"], segments.mask)
    np.testing.assert_array_equal(widget.images["dark"], ccd.data + 1)


def test_frame_and_cleaned_frame_have_the_same_cuts(segments):
    viewer = segments.view(widget=(widget := TinyWidget()))
    viewer.blink()
    viewer.blink()
    low, high = widget.cuts["frame"]
    assert 150 < low < 200 < high < 3000
    assert widget.cuts["cleaned"] == (low, high)
    assert widget.cuts["mask"] == (0, 1)


def test_a_frame_of_another_level_has_its_own_cuts(segments):
    dark = CCDData(np.random.default_rng(3).normal(5, 1, segments.mask.shape), unit="adu")
    viewer = segments.view(frames={"dark": dark}, widget=(widget := TinyWidget()))
    viewer.show("dark")
    low, high = widget.cuts["dark"]
    assert 0 < low < 5 < high < 10


def test_the_title_says_what_is_in_the_middle(segments):
    viewer = segments.view(widget=TinyWidget())
    assert viewer.title.startswith("2: track, 6 pix, ")
    assert viewer.title.endswith("(1 of 3)")
    assert viewer.title in repr(viewer)


def test_followers_hear_of_every_change(segments):
    viewer = segments.view(widget=TinyWidget())
    heard = []
    viewer.follow(lambda: heard.append((viewer.label, viewer.image)))
    viewer.next()
    viewer.blink()
    viewer.show("cleaned")
    assert heard == [(1, "frame"), (1, "cleaned")]


def test_events_without_their_removed_values_can_be_viewed(cleaned, widget):
    bare = CCDData(cleaned.data, unit=cleaned.unit, meta=cleaned.meta)
    bare.flags = cleaned.flags
    viewer = bare.cr_segments().view(widget=widget)
    viewer.next()
    assert viewport(viewer) == (MIDDLES[1], 25)


@pytest.mark.parametrize("dtype", ["<u2", ">i2", ">f4", "<f8"])
def test_frames_of_any_dtype_can_be_viewed(widget, dtype):
    frame = hit_frame(dtype=dtype)
    viewer = frame.cr_segments().view(widget=widget)
    viewer.blink()
    viewer.blink()
    assert viewport(viewer) == (MIDDLES[2], 25)


@needs_astrowidgets
class TestDrawn:
    """What the installed astrowidgets really draws."""

    def test_the_mask_is_white_at_its_pixels(self, segments, drawn):
        viewer = segments.view(widget=drawn)
        viewer.show("mask")
        for cutout in segments.cutouts(labels=viewer.labels):
            viewer.center_on(cutout.label)
            white = brightness_of_pixels(drawn, 25) > 128
            on_chip = np.isfinite(cutout.images["cleaned"])
            np.testing.assert_array_equal(white & on_chip, cut_out(segments.mask, cutout.center, 25) == 1)

    def test_the_event_is_bright_in_the_frame_and_gone_from_the_cleaned_frame(self, segments, drawn):
        viewer = segments.view(widget=drawn)
        event = segments.cutouts(labels=[2])[0].images["mask"] == 1
        before = brightness_of_pixels(drawn, 25)
        viewer.blink()
        after = brightness_of_pixels(drawn, 25)
        assert (before[event] > 240).all()
        assert (after[event] < 200).all()
        np.testing.assert_allclose(after[~event].astype(int), before[~event], atol=25)  # but for the JPEG

    def test_a_drag_and_a_zoom_by_mouse_are_kept_while_blinking(self, segments, drawn):
        viewer = segments.view(widget=drawn)
        drawn._viewer.set_pan(30, 20)
        drawn._viewer.scale_to(50, 50)
        viewer.blink()
        assert viewport(viewer) == ((30, 20), 10)

    def test_without_a_widget_the_installed_one_is_made(self, segments, drawn):
        viewer = segments.view()
        assert type(viewer.widget) is type(drawn)
        assert viewport(viewer) == (MIDDLES[2], 25)

    def test_an_offset_of_the_older_widget_is_allowed_for(self, segments, drawn):
        if not isinstance(follow_protocol(drawn), OlderImageWidget):
            pytest.skip("the installed astrowidgets knows no offset")
        shifted = type(drawn)(pixel_coords_offset=1)
        segments.view(widget=shifted)
        segments.view(widget=drawn)
        np.testing.assert_array_equal(picture(shifted), picture(drawn))


@needs_astrowidgets
class TestPanel:
    """The buttons around it."""

    @pytest.fixture
    def viewer(self, segments, drawn):
        return segments.view(widget=drawn)

    @pytest.fixture
    def controls(self, viewer):
        title, buttons, widget = viewer.panel.children
        assert widget is viewer.widget
        return title, *buttons.children

    def test_a_cell_shows_the_panel(self, viewer):
        shown = viewer._repr_mimebundle_()["application/vnd.jupyter.widget-view+json"]
        assert shown["model_id"] == viewer.panel.model_id

    def test_the_arrows_walk(self, viewer, controls):
        title, before, after, *_ = controls
        after.click()
        assert viewer.label == 1
        assert title.value == viewer.title
        before.click()
        assert viewer.label == 2

    def test_the_images_have_a_button_each(self, viewer, controls):
        images = controls[3]
        assert images.options == viewer.images
        images.value = "mask"
        assert viewer.image == "mask"

    def test_the_player_blinks(self, viewer, controls):
        blinking = controls[4]
        seen = []
        for blinking.value in (1, 2, 0):
            seen.append(viewer.image)
        assert seen == ["cleaned", "mask", "frame"]
        assert (blinking.max, blinking.repeat) == (2, True)

    def test_buttons_follow_what_is_typed(self, viewer, controls):
        title, *_, images, blinking = controls
        viewer.center_on(3)
        viewer.blink()
        assert (title.value, images.value, blinking.value) == (viewer.title, "cleaned", 1)

    def test_a_widget_of_another_toolkit_has_the_buttons_alone(self, segments, drawn):
        assert len(segments.view(widget=TinyWidget()).panel.children) == 2


def test_without_ipywidgets_a_cell_shows_the_plain_text(segments, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert segments.view(widget=TinyWidget())._repr_mimebundle_() is None


class TestRefused:
    @pytest.fixture
    def viewer(self, segments):
        return segments.view(widget=TinyWidget())

    def test_no_astrowidgets(self, segments, monkeypatch):
        monkeypatch.setitem(sys.modules, "astrowidgets", None)
        monkeypatch.setitem(sys.modules, "astrowidgets.ginga", None)
        with pytest.raises(CosmicRayError, match=r"no astrowidgets .* pip install 'ccdproc_crplugin\[viewer\]'"):
            segments.view()

    def test_an_astrowidgets_that_does_not_load(self, segments, monkeypatch, tmp_path):
        package = tmp_path / "astrowidgets"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "ginga.py").write_text("import abc; abc.LOCATIONS")
        for name in ("astrowidgets", "astrowidgets.ginga"):
            monkeypatch.setitem(sys.modules, name, None)  # so that what is loaded instead is forgotten afterwards
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(CosmicRayError, match=r"can be loaded \(module 'abc' has no attribute 'LOCATIONS'\)"):
            segments.view()

    def test_no_event(self, ccd):
        nothing = ccd.cr_segments(mask=np.zeros(ccd.shape, dtype=bool))
        with pytest.raises(CosmicRayError, match="no event to view"):
            nothing.view(widget=TinyWidget())

    def test_an_unknown_label(self, segments):
        with pytest.raises(CosmicRayError, match="labels=4; expected a whole number from 1 to 3"):
            segments.view([1, 4], widget=TinyWidget())

    def test_a_label_that_is_not_in_view(self, segments):
        with pytest.raises(CosmicRayError, match="label=2; expected one of those in view: 3, 1"):
            segments.view([3, 1], widget=TinyWidget()).center_on(2)

    def test_an_unknown_image(self, viewer):
        with pytest.raises(CosmicRayError, match="image='dark'; expected one of: 'frame', 'cleaned', 'mask'"):
            viewer.show("dark")

    @pytest.mark.parametrize("level", [0, -1, np.inf, np.nan, "fit"])
    def test_a_wrong_zoom_level(self, viewer, level):
        with pytest.raises(CosmicRayError, match=r"zoom_level=.*expected a number above 0"):
            viewer.zoom_level = level

    def test_a_further_frame_of_another_shape(self, segments):
        with pytest.raises(CosmicRayError, match=r"'dark' of shape \(3, 3\)"):
            segments.view(frames={"dark": np.zeros((3, 3))}, widget=TinyWidget())

    def test_a_further_frame_under_a_name_that_is_taken(self, segments, ccd):
        with pytest.raises(CosmicRayError, match="'mask'; that name is taken"):
            segments.view(frames={"mask": ccd}, widget=TinyWidget())

    def test_a_widget_that_shows_no_images(self, segments):
        with pytest.raises(CosmicRayError, match="type 'object'; expected an ImageWidget of astrowidgets"):
            segments.view(widget=object())


def test_view_is_a_method_whether_or_not_ccddata_has_its_own(segments):
    crp.methods.uninstall()
    try:
        assert segments.view(widget=TinyWidget()).label == 2
    finally:
        crp.methods.install()
