# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Puts the methods on `~astropy.nddata.CCDData`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import PluginWarning
from ccdproc_crplugin.plugins.hookspecs import hookimpl

_installed: dict[str, object] = {}
_lock = threading.RLock()


@hookimpl
def ccdcr_methods() -> tuple[Callable[..., Any], ...]:
    """Register the built-in methods."""
    from ccdproc_crplugin.cleaning.clean import clean_cosmic_rays
    from ccdproc_crplugin.cleaning.preflight import cr_preflight
    from ccdproc_crplugin.cleaning.restore import restore_cosmic_rays
    from ccdproc_crplugin.events.segments import cr_segments
    from ccdproc_crplugin.tuning.tune import cr_tune

    return clean_cosmic_rays, cr_segments, cr_preflight, cr_tune, restore_cosmic_rays


def install() -> None:
    """
    Give every CCDData the registered methods. Installing again changes nothing.

    Warns
    -----
    PluginWarning
        For each name that another package put on CCDData; that attribute is left alone.

    Examples
    --------
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.default_plugins import methods
    >>> methods.install()
    >>> callable(CCDData.clean_cosmic_rays)
    True
    """
    from astropy.nddata import CCDData

    with _lock:
        for name, function in plugins.host().registered("method").items():
            if _installed.get(name) is getattr(CCDData, name, None) is not None:
                continue
            if hasattr(CCDData, name):
                owner = plugins.host().plugin_of("method", name)
                warnings.warn(
                    f"CCDData already has an attribute {name!r}, which is left alone. The method of {owner} is "
                    "available as a function only.",
                    PluginWarning,
                    stacklevel=2,
                )
                continue
            setattr(CCDData, name, function)
            _installed[name] = function


def uninstall() -> None:
    """
    Remove from CCDData the methods that `install` put there.

    Examples
    --------
    >>> from astropy.nddata import CCDData
    >>> from ccdproc_crplugin.default_plugins import methods
    >>> methods.uninstall()
    >>> hasattr(CCDData, "clean_cosmic_rays")
    False
    >>> methods.install()
    """
    from astropy.nddata import CCDData

    with _lock:
        for name, function in _installed.items():
            if CCDData.__dict__.get(name) is function:
                delattr(CCDData, name)
        _installed.clear()
