# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A viewer that walks from event to event in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError, check_choice, check_number, wrong_value
from ccdproc_crplugin.events.gallery import Cutout, limits_of
from ccdproc_crplugin.events.image_widget import follow_protocol, width_of
from ccdproc_crplugin.events.pieces import listed

#: How long the blinking button shows each image (ms).
BLINK_INTERVAL = 700


class EventViewer:
    """
    An image widget that jumps from event to event.

    `CRSegments.view` returns it. Frame, cleaned frame and mask take turns in the same viewport. Frame and cleaned
    frame have the same cuts.

    Parameters
    ----------
    segments : CRSegments
        The events.
    labels : list of int
        The events that are shown, in this order; at least one.
    frames : dict of str to array or CCDData, shape (ny, nx)
        The images that take turns with frame, cleaned frame and mask, by name.
    widget : object
        The image widget.

    Attributes
    ----------
    widget : object
        The image widget.
    labels : list of int
        The events that are shown, in this order.
    """

    # segments is a CRSegments, whose module imports this one
    def __init__(self, segments: Any, labels: list[int], frames: Mapping[str, Any], widget: Any) -> None:
        self.widget = widget
        self.labels = labels
        self._display = follow_protocol(widget)
        self._segments = segments
        self._frames = frames
        self._images: dict[str, np.ndarray] = segments.images(frames)
        self._zoom_level: float | None = None
        self._followers: list[Callable[[], None]] = []
        self._image = "frame"
        self._load()
        self.center_on(labels[0])

    def __repr__(self) -> str:
        return f"<EventViewer: {self.title}, {self.image}>"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget with its buttons, or None if ipywidgets is not installed."""
        try:
            import ipywidgets  # noqa: F401
        except ImportError:
            return None
        return self.panel._repr_mimebundle_(**keywords)

    @cached_property
    def panel(self) -> Any:
        """An ``ipywidgets.VBox`` of the buttons and, if it is one of ipywidgets, the widget."""
        return _panel(self)

    @property
    def label(self) -> int:
        """The event in the middle."""
        return self._cutout.label

    @property
    def title(self) -> str:
        """Label, class, area and charge of the event in the middle, and its number in the walk."""
        return f"{self._cutout.title} ({self.labels.index(self.label) + 1} of {len(self.labels)})"

    @property
    def image(self) -> str:
        """The name of the image that is shown."""
        return self._image

    @property
    def images(self) -> tuple[str, ...]:
        """The names of the images that take turns."""
        return tuple(self._images)

    @property
    def zoom_level(self) -> float:
        """
        Pixels of the screen for a pixel of the frame, as in astrowidgets: 1 at real size, 2 at twice that.

        At first each event fills the widget. A level that is set stays from event to event; `None` fits each event
        again.
        """
        seen = self._display.get_viewport(sky_or_pixel="pixel", image_label=self._image)
        return float(self._width / seen["fov"])

    @zoom_level.setter
    def zoom_level(self, level: float | None) -> None:
        if level is not None:
            check_number("zoom_level", level, above=0)
            level = float(level)
        self._zoom_level = level
        self._look_at_event()

    @property
    def _width(self) -> float:
        """The width of the widget on the screen (pix)."""
        width = width_of(self.widget)
        if width is None:
            raise CosmicRayError(
                f"Found no width of the widget of type {type(self.widget).__name__!r}; expected image_width, "
                "from which the zoom level follows. The method set_viewport of the widget takes fov= "
                "instead, the width in pixels of the frame."
            )
        return width

    def next(self) -> None:
        """Go to the next event, or from the last to the first."""
        self._step(1)

    def previous(self) -> None:
        """Go to the previous event, or from the first to the last."""
        self._step(-1)

    def center_on(self, label: int) -> None:
        """
        Go to an event.

        Parameters
        ----------
        label : int
            The event, one of ``labels``.

        Raises
        ------
        CosmicRayError
            If it is not one of ``labels``.
        """
        if label not in self.labels:
            raise wrong_value("label", label, f"one of those in view: {listed(self.labels)}")
        self._cutout: Cutout = self._segments.cutouts(labels=[label], frames=self._frames)[0]
        self._look_at_event()
        self._set_cuts()
        self._notify()

    def show(self, image: str) -> None:
        """
        Show an image in the viewport of the image before.

        Parameters
        ----------
        image : str
            Its name, one of ``images``.

        Raises
        ------
        CosmicRayError
            If it is not one of ``images``.
        """
        check_choice("image", image, self._images)
        if image == self._image:
            return
        seen = self._display.get_viewport(sky_or_pixel="pixel", image_label=self._image)
        self._image = image
        self._load()
        self._display.set_viewport(center=seen["center"], fov=seen["fov"], image_label=image)
        self._set_cuts()
        self._notify()

    def blink(self) -> None:
        """Show the next image, or after the last one the first."""
        names = self.images
        self.show(names[(names.index(self._image) + 1) % len(names)])

    def follow(self, follower: Callable[[], None]) -> None:
        """
        Call a function after each change of event or image.

        Parameters
        ----------
        follower : callable
            The function; it is called without arguments.
        """
        self._followers.append(follower)

    def _step(self, n_events: int) -> None:
        self.center_on(self.labels[(self.labels.index(self.label) + n_events) % len(self.labels)])

    def _load(self) -> None:
        image = self._images[self._image]
        # The widgets subtract values to find their cuts, which bool does not allow.
        self._display.load_image(image.astype(np.uint8) if image.dtype == bool else image, image_label=self._image)

    def _look_at_event(self) -> None:
        y, x = self._cutout.center
        fov = len(self._cutout.images["mask"]) if self._zoom_level is None else self._width / self._zoom_level
        self._display.set_viewport(center=(x, y), fov=fov, image_label=self._image)

    def _set_cuts(self) -> None:
        self._display.set_cuts(limits_of(self._cutout)[self._image], image_label=self._image)

    def _notify(self) -> None:
        for follower in self._followers:
            follower()


def _panel(viewer: EventViewer) -> Any:
    """Title, buttons and widget, which follow the viewer."""
    import ipywidgets

    title = ipywidgets.Label()
    before = ipywidgets.Button(icon="arrow-left", tooltip="previous event", layout={"width": "3em"})
    after = ipywidgets.Button(icon="arrow-right", tooltip="next event", layout={"width": "3em"})
    before.on_click(lambda _: viewer.previous())
    after.on_click(lambda _: viewer.next())
    images = ipywidgets.ToggleButtons(options=viewer.images, style={"button_width": "auto"})
    images.observe(lambda change: viewer.show(change["new"]), "value")
    blinking = ipywidgets.Play(
        max=len(viewer.images) - 1, interval=BLINK_INTERVAL, repeat=True, show_repeat=False, tooltip="blink"
    )
    ipywidgets.link((images, "index"), (blinking, "value"))

    def update() -> None:
        title.value = viewer.title
        images.value = viewer.image

    update()
    viewer.follow(update)
    buttons = ipywidgets.HBox([before, after, images, blinking])
    own = [viewer.widget] if isinstance(viewer.widget, ipywidgets.Widget) else []
    return ipywidgets.VBox([title, buttons, *own])
