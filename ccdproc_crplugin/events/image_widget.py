# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Image widgets that follow the protocol of astro-image-display-api."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyDeprecationWarning

from ccdproc_crplugin.errors import CosmicRayError

#: The methods of astro-image-display-api that the viewer needs.
IMAGE_DISPLAY_METHODS = ("load_image", "set_cuts", "set_viewport", "get_viewport")


def open_widget() -> Any:
    """An ``ImageWidget`` of the installed astrowidgets, drawn by ginga."""
    try:
        return _widget_class()()
    except (ImportError, AttributeError) as err:  # AttributeError: from astrowidgets 0.4 and 0.5
        raise CosmicRayError(
            f"Found no astrowidgets that can be loaded ({err}); expected it for the notebook viewer. Install it with: "
            "python -m pip install 'ccdproc_crplugin[viewer]'"
        ) from err


def _widget_class() -> type:
    with warnings.catch_warnings():
        # The import of astrowidgets 0.3 makes a test runner that astropy has deprecated.
        warnings.filterwarnings("ignore", "The TestRunner", AstropyDeprecationWarning)
        try:
            from astrowidgets.ginga import ImageWidget
        except ModuleNotFoundError as err:
            if err.name != "astrowidgets.ginga":
                raise
            from astrowidgets import ImageWidget  # up to 0.3
    return ImageWidget


def follow_protocol(widget: Any) -> Any:
    """The widget itself if it follows astro-image-display-api, or an `OlderImageWidget` around it."""
    if all(callable(getattr(widget, name, None)) for name in IMAGE_DISPLAY_METHODS):
        return widget
    if hasattr(widget, "load_array") and hasattr(widget, "zoom_level"):
        return OlderImageWidget(widget)
    raise CosmicRayError(
        f"Found a widget of type {type(widget).__name__!r}; expected an ImageWidget of astrowidgets, or another widget "
        f"with the methods of astro-image-display-api: {', '.join(IMAGE_DISPLAY_METHODS)}."
    )


def width_of(widget: Any) -> float | None:
    """The width of the image on the screen (pix), or None where the widget does not tell it."""
    for holder, name in ((widget, "image_width"), (getattr(widget, "_astro_im", None), "_display_width")):
        width = getattr(holder, name, None)
        if width:
            return float(width)
    return None


class OlderImageWidget:
    """The protocol for the ``ImageWidget`` of astrowidgets up to 0.3, which has one image without a label."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget

    def load_image(self, data: np.ndarray, image_label: str | None = None) -> None:
        """Show an image."""
        self.widget.load_array(np.asarray(data))

    def set_cuts(self, cuts: tuple[float, float], image_label: str | None = None) -> None:
        """Set the values that are black and white."""
        self.widget.cuts = cuts

    def set_viewport(self, center: tuple[float, float], fov: float, image_label: str | None = None) -> None:
        """Set the part of the image in view: its middle (x, y) and its width (pix)."""
        self.widget.center_on(np.add(center, self.widget.pixel_offset))
        self.widget.zoom_level = self.widget.image_width / fov

    def get_viewport(self, sky_or_pixel: str | None = None, image_label: str | None = None) -> dict[str, Any]:
        """The part of the image in view: ``center`` (x, y) and ``fov``, its width (pix)."""
        # No public attribute says where a user has dragged the image to.
        center = tuple(float(value) for value in self.widget._viewer.get_pan()[:2])
        return {"center": center, "fov": self.widget.image_width / self.widget.zoom_level}
