# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What of a night can hardly be meant, or will be missing, though nothing is wrong with the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ccdproc_crplugin import plugins
from ccdproc_crplugin.pipeline.model import Call, Entry

__all__ = ["doubts_about", "missing_figures"]

#: Steps, and those that stand before each if at all.
AFTER = {
    "clean_cosmic_rays": ("subtract_overscan", "subtract_bias", "subtract_dark", "correct_flat"),
    "correct_flat": ("subtract_overscan", "subtract_bias", "subtract_dark"),
}


def doubts_about(calls: Sequence[Call]) -> Iterator[str]:
    """Steps in an order that can't be meant."""
    names = [call.name for call in calls]
    for name, others in AFTER.items():
        late = [other for other in others if name in names and other in names[names.index(name) :]]
        if late:
            yield f"{name} stands before {', '.join(late)}; expected it after"
    for name, number in Counter(names).items():
        if number > 1:
            yield f"{name} stands {number} times; expected it once"


def missing_figures(calls: Iterable[Call], lights: Sequence[Entry]) -> Iterator[str]:
    """Gain and read noise that a step needs and nobody gives."""
    for name in ("gain", "readnoise"):
        if lights and all(name in entry.lacking for entry in lights) and any(_asks_for(call, name) for call in calls):
            yield f"{name}: in no header of a light frame; give {name} = … under [headers]"


def _asks_for(call: Call, name: str) -> bool:
    return name in plugins.step_parameters(plugins.find_step(call.name)) and call.parameters.get(name) is None
