# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""From one event to the next in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.events.gallery import Cutout, stretch_limits
from ccdproc_crplugin.events.image_widget import follow_protocol, open_widget

__all__ = ["EventViewer", "view"]

# Without a widget there is nothing to run the example on.
#: How long the blinking button shows each image (ms).
BLINK_INTERVAL = 700


def view(
    segments: Any,
    labels: Iterable[int] | None = None,
    *,
    frames: Mapping[str, Any] | None = None,
    widget: Any = None,
) -> EventViewer:
    """Open a viewer for the events of a `CRSegments`; see `CRSegments.view`."""
    labels = segments.largest() if labels is None else labels
    labels = list(dict.fromkeys(int(label) for label in segments.check_labels(labels)))
    if not labels:
        raise CosmicRayError("Found no event to view; expected at least one. len(segments) tells how many there are.")
    images = segments.images(frames)
    return EventViewer(segments, labels, images, open_widget() if widget is None else widget)


class EventViewer:
    """
    An image widget that jumps from event to event.

    Made by `CRSegments.view`. Frame, cleaned frame and mask take turns under the same viewport and, but for the
    mask, the same cuts.

    Parameters
    ----------
    segments : CRSegments
        The events.
    labels : list of int
        Which of them, in the order of the walk; at least one.
    images : dict of str to `~numpy.ndarray`, shape (ny, nx)
        What takes turns, by name.
    widget : object
        What shows it.

    Attributes
    ----------
    widget : object
        What shows it.
    labels : list of int
        The events, in the order of the walk.
    """

    def __init__(self, segments: Any, labels: list[int], images: dict[str, np.ndarray], widget: Any) -> None:
        self.widget = widget
        self.labels = labels
        self._display = follow_protocol(widget)
        self._segments = segments
        self._images = images
        self._zoom_level = 1.0
        self._followers: list[Callable[[], None]] = []
        self._image = "frame"
        self._load()
        self.center_on(labels[0])

    def __repr__(self) -> str:
        return f"<EventViewer: {self.title}, {self.image}>"

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """
        The widget with its buttons; nothing of its own where there is no ipywidgets.
        """
        try:
            import ipywidgets  # noqa: F401
        except ImportError:
            return None
        return self.panel._repr_mimebundle_(**keywords)

    @cached_property
    def panel(self) -> Any:
        """
        The buttons, and below them the widget if it is one of ipywidgets: an ``ipywidgets.VBox``.
        """
        return _panel(self)

    @property
    def label(self) -> int:
        """
        The event in the middle.
        """
        return self._cutout.label

    @property
    def title(self) -> str:
        """
        Label, class, area and charge of the event in the middle, and its place in the walk.
        """
        return f"{self._cutout.title} ({self.labels.index(self.label) + 1} of {len(self.labels)})"

    @property
    def image(self) -> str:
        """
        Which image is shown.
        """
        return self._image

    @property
    def images(self) -> tuple[str, ...]:
        """
        The images that take turns.
        """
        return tuple(self._images)

    @property
    def zoom_level(self) -> float:
        """
        How many times larger than in its picture by `CRSegments.plot` each event is shown; 1 at first.
        """
        return self._zoom_level

    @zoom_level.setter
    def zoom_level(self, level: float) -> None:
        if not isinstance(level, int | float | np.number) or not 0 < level < np.inf:
            raise CosmicRayError(f"Found zoom_level={level!r}; expected a positive number, such as 2.")
        self._zoom_level = float(level)
        self._look_at_event()

    def next(self) -> None:
        """
        Go to the next event; from the last to the first.
        """
        self._step(1)

    def previous(self) -> None:
        """
        Go to the event before; from the first to the last.
        """
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
            If it is none of them.
        """
        if label not in self.labels:
            raise CosmicRayError(f"Found the label {label!r}; expected one of those in view: {_listed(self.labels)}.")
        self._cutout: Cutout = self._segments.cutouts(labels=[label])[0]
        self._look_at_event()
        self._set_cuts()
        self._tell()

    def show(self, image: str) -> None:
        """
        Show an image, where and as large as the one before.

        Parameters
        ----------
        image : str
            Its name, one of ``images``.

        Raises
        ------
        CosmicRayError
            If it is none of them.
        """
        if image not in self._images:
            raise CosmicRayError(f"Found the image {image!r}; expected one of: {', '.join(self._images)}.")
        if image == self._image:
            return
        seen = self._display.get_viewport(sky_or_pixel="pixel", image_label=self._image)
        self._image = image
        self._load()
        self._display.set_viewport(center=seen["center"], fov=seen["fov"], image_label=image)
        self._set_cuts()
        self._tell()

    def blink(self) -> None:
        """
        Show the next image: frame, cleaned frame, mask and the further ones take turns.
        """
        names = self.images
        self.show(names[(names.index(self._image) + 1) % len(names)])

    def follow(self, follower: Callable[[], None]) -> None:
        """
        Have something called after each change of event or image.

        Parameters
        ----------
        follower : callable
            What is called, without arguments.
        """
        self._followers.append(follower)

    def _step(self, n_events: int) -> None:
        self.center_on(self.labels[(self.labels.index(self.label) + n_events) % len(self.labels)])

    def _load(self) -> None:
        image = self._images[self._image]
        # Nobody subtracts truth values, as the widgets do to find their cuts.
        self._display.load_image(image.astype(np.uint8) if image.dtype == bool else image, image_label=self._image)

    def _look_at_event(self) -> None:
        y, x = self._cutout.center
        size = len(self._cutout.images["mask"])
        self._display.set_viewport(center=(x, y), fov=size / self._zoom_level, image_label=self._image)

    def _set_cuts(self) -> None:
        cuts = (0.0, 1.0) if self._image == "mask" else stretch_limits(self._cutout.images)
        self._display.set_cuts(tuple(float(value) for value in cuts), image_label=self._image)

    def _tell(self) -> None:
        for follower in self._followers:
            follower()


def _listed(labels: list[int], n_most: int = 10) -> str:
    return ", ".join(map(str, labels[:n_most])) + (", ..." if len(labels) > n_most else "")


def _panel(viewer: EventViewer) -> Any:
    """Title, buttons and widget, which keep up with the viewer."""
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

    def keep_up() -> None:
        title.value = viewer.title
        images.value = viewer.image

    keep_up()
    viewer.follow(keep_up)
    buttons = ipywidgets.HBox([before, after, images, blinking])
    own = [viewer.widget] if isinstance(viewer.widget, ipywidgets.Widget) else []
    return ipywidgets.VBox([title, buttons, *own])
