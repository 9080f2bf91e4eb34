# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Puts the methods on `~astropy.nddata.CCDData` and `~ccdproc.ImageFileCollection`, and keeps their files whole."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ccdproc_crplugin import plugins
from ccdproc_crplugin.errors import PluginWarning
from ccdproc_crplugin.plugins.hookspecs import hookimpl

if TYPE_CHECKING:
    from ccdproc import ImageFileCollection

_installed: dict[tuple[type, str], object] = {}
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
    Give every CCDData and every ImageFileCollection their methods. Installing again changes nothing.

    CCDData gets the registered methods, and ``CCDData.write`` and ``CCDData.read`` keep flags and removed values of
    cleaned frames in FITS files. ImageFileCollection gets ``select_frames(kind)``, which returns a collection, and
    ``clean_cosmic_rays`` and ``combine_calibrations``, which are `clean_collection` and `combine_calibrations`.

    Warns
    -----
    PluginWarning
        For each name that another package put on one of the classes; that attribute is left alone.

    Examples
    --------
    >>> from astropy.nddata import CCDData
    >>> from ccdproc import ImageFileCollection
    >>> import ccdproc_crplugin as crp
    >>> crp.install()
    >>> callable(CCDData.clean_cosmic_rays), callable(ImageFileCollection.select_frames)
    (True, True)
    """
    from ccdproc import ImageFileCollection

    with _lock:
        install_on_frames()
        _put(ImageFileCollection, _collection_methods(), lambda name: "ccdproc_crplugin")


def install_on_frames() -> None:
    """Install on CCDData alone, which does not load ccdproc."""
    from astropy.nddata import CCDData

    from ccdproc_crplugin.io.registry import install_registry

    with _lock:
        host = plugins.host()
        host.after_late_plugins = install_on_frames
        _put(CCDData, host.registered("method"), lambda name: str(host.plugin_of("method", name)))
        install_registry()


def _put(target: type, functions: Mapping[str, Callable], owner: Callable[[str], str]) -> None:
    """Put functions on a class under their names, unless an attribute is there that is not ours."""
    for name, function in functions.items():
        if _installed.get((target, name)) is getattr(target, name, None) is not None:
            continue
        if hasattr(target, name):
            warnings.warn(
                f"{target.__name__} already has an attribute {name!r}, which is left alone. The method of "
                f"{owner(name)} is available as a function only.",
                PluginWarning,
                stacklevel=4,
            )
            continue
        setattr(target, name, function)
        _installed[target, name] = function


def _collection_methods() -> dict[str, Callable[..., Any]]:
    from ccdproc_crplugin.calibration.combine import combine_calibrations
    from ccdproc_crplugin.pipeline.run import clean_collection

    return {
        "select_frames": _select_frames,
        "clean_cosmic_rays": clean_collection,
        "combine_calibrations": combine_calibrations,
    }


def _select_frames(ifc: ImageFileCollection, kind: str = "light") -> ImageFileCollection:
    """
    The frames of one kind as a collection of their own.

    Parameters
    ----------
    kind : str
        The kind of frame, as for `select_frames`.

    Returns
    -------
    `~ccdproc.ImageFileCollection`
        The frames; its ``ccds()`` reads them as `read_ccd` does.

    Raises
    ------
    CosmicRayError
        If the kind is unknown.
    """
    from ccdproc_crplugin.io.collection import select_collection

    return select_collection(ifc, kind)


def uninstall() -> None:
    """
    Take away what `install` put on CCDData and ImageFileCollection.

    Astropy's own FITS reader and writer of CCDData are put back, and `accelerate` is turned off.

    Examples
    --------
    >>> from astropy.nddata import CCDData
    >>> import ccdproc_crplugin as crp
    >>> crp.uninstall()
    >>> hasattr(CCDData, "clean_cosmic_rays")
    False
    >>> crp.install()
    """
    from ccdproc_crplugin.default_plugins.acceleration import forget_all
    from ccdproc_crplugin.io.registry import uninstall_registry

    with _lock:
        plugins.host().after_late_plugins = None
        forget_all()
        for (target, name), function in _installed.items():
            if target.__dict__.get(name) is function:
                delattr(target, name)
        _installed.clear()
        uninstall_registry()
