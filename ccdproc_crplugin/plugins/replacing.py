# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Functions of other packages that are replaced, for the process, wherever a module holds them."""

from __future__ import annotations

import functools
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from types import CellType, FrameType, FunctionType, GeneratorType, ModuleType
from typing import Any

#: The modules of this package keep what they hold.
OWN = "ccdproc_crplugin"

#: Running code, whose variables are gone soon.
RUNNING = FrameType | GeneratorType

#: What a function or class keeps other objects in, and how many of these are looked through for each (0.1 s each).
CONTAINERS, MOST_CONTAINERS = dict | tuple | list | CellType, 3

_lock = threading.RLock()
_replacements: dict[str, Replacement] = {}


@dataclass(frozen=True, eq=False)
class Replacement:
    """A function, known by its ``name`` such as ``package.function``, and what stands in its place."""

    name: str
    theirs: Callable[..., Any]
    ours: Callable[..., Any]


def replace(name: str, theirs: Callable[..., Any], drop_in: Callable[..., Any]) -> None:
    """Put a drop-in in the place of a function in all modules; doing so again reaches those loaded meanwhile."""
    with _lock:
        if name not in _replacements:
            _replacements[name] = Replacement(name, theirs, _standing_in(theirs, drop_in))
        known = _replacements[name]
        _exchange(known.theirs, known.ours)


def put_back(name: str) -> None:
    """Put the function back wherever a module holds what was put in its place."""
    with _lock:
        known = _replacements.pop(name, None)
        if known is not None:
            _exchange(known.ours, known.theirs)


def replacement(name: str) -> Replacement | None:
    """What stands in the place of a function now, or None."""
    return _replacements.get(name)


def replacements() -> list[Replacement]:
    """All functions that are replaced now."""
    return list(_replacements.values())


def _standing_in(theirs: Callable[..., Any], drop_in: Callable[..., Any]) -> Callable[..., Any]:
    """A function of its own, so that no place that holds the drop-in itself is taken for one that was replaced."""

    @functools.wraps(theirs)
    def stand_in(*args: Any, **keywords: Any) -> Any:
        return drop_in(*args, **keywords)

    return stand_in


def _exchange(old: Any, new: Any) -> None:
    for module, name in list(_places(old)):
        setattr(module, name, new)


def places(item: Any) -> list[str]:
    """Where modules hold an object, as ``module.name``."""
    return sorted({f"{module.__name__}.{name}" for module, name in _places(item)})


def _places(item: Any) -> Iterator[tuple[ModuleType, str]]:
    """The modules that hold an object, and the names under which they do."""
    for key, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and key.split(".")[0] != OWN:
            for name, value in list(vars(module).items()):
                if value is item:
                    yield module, name


def out_of_reach(function: Callable[..., Any]) -> list[str]:
    """Other places that hold a function, such as a default argument or a class, in words."""
    with _lock:  # the lists that another thread makes on its way through the modules hold the function, too
        own = [part for known in replacements() for part in (known, known.__dict__, known.ours.__dict__)]
        return sorted({_described(holder) for holder in _holders(function, own)})


def _holders(item: Any, ignored: list[Any]) -> list[Any]:
    """The objects that hold an object, but for modules, running code and those to be ignored."""
    passed_over = {id(one) for one in ignored} | {id(ignored)}
    passed_over |= {id(vars(module)) for module in list(sys.modules.values()) if isinstance(module, ModuleType)}
    found = gc.get_referrers(item)
    return [one for one in found if not isinstance(one, RUNNING | ModuleType) and id(one) not in passed_over]


def _described(holder: Any) -> str:
    """A holder in words: its own name, or its type and the name of the function, class or module it belongs to."""
    if name := _name(holder):
        return name
    kind = "closure" if isinstance(holder, CellType) else type(holder).__name__
    owner = _owner(holder)
    return f"{kind} of {owner}" if owner else kind


def _owner(item: Any) -> str:
    """The name of what holds an object, itself or through a container; empty if none is found."""
    holders = _holders(item, [item])
    containers = [holder for holder in holders if isinstance(holder, CONTAINERS)][:MOST_CONTAINERS]
    near = map(_name, holders)
    beyond = (_name(owner) for one in containers for owner in _holders(one, [item, holders, containers]))
    return next(filter(None, chain(near, beyond)), "")


def _name(item: Any) -> str:
    """The name of a function or class, or the place in a module that holds any other object; empty without one."""
    if isinstance(item, type | FunctionType):
        return f"{item.__module__}.{item.__qualname__}"
    return next(iter(places(item)), "")
