# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Find the plugins, load each on its own, and keep them for the process."""

from __future__ import annotations

import configparser
import functools
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import entrypoints

from ccdproc_crplugin.errors import CosmicRayError, reason_of, wrong_value
from ccdproc_crplugin.plugins.files import FILES_VARIABLE, files_named, module_of_file, plugin_of_file
from ccdproc_crplugin.plugins.model import Check, Detector, Dialect, Flag, StackDetector, Step
from ccdproc_crplugin.plugins.registry import FAILURES, Plugin, Registry

ENTRY_POINT_GROUP = "ccdproc_crplugin"

DISTRIBUTION = "ccdproc-crplugin"

#: Where plugins come from that were registered by hand.
THIS_PROCESS = "this process"

#: The built-in plugins, by name.
DEFAULT_PLUGINS = {
    "lacosmic": "ccdproc_crplugin.default_plugins.lacosmic",
    "astroscrappy": "ccdproc_crplugin.default_plugins.astroscrappy",
    "median": "ccdproc_crplugin.default_plugins.median",
    "stack": "ccdproc_crplugin.default_plugins.stack",
    "sharp_stars": "ccdproc_crplugin.default_plugins.sharp_stars",
    "consensus": "ccdproc_crplugin.default_plugins.consensus",
    "preflight": "ccdproc_crplugin.default_plugins.preflight",
    "calibration": "ccdproc_crplugin.default_plugins.calibration_steps",
    "cosmic_rays": "ccdproc_crplugin.default_plugins.cosmic_ray_steps",
    "methods": "ccdproc_crplugin.default_plugins.methods",
    "dialects": "ccdproc_crplugin.default_plugins.dialects",
}


class PluginHost(Registry):
    """The plugins of a process, built-in and installed."""

    def __init__(self, path: list[str] | None = None, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        self.disabled = {_normal(name) for name in environ.get("CCDCR_DISABLE_PLUGINS", "").split(",")}
        self._path = path
        self._waiting: list[tuple[Plugin, entrypoints.EntryPoint]] = []
        #: Called after plugins were loaded that had to wait for the end of their own import.
        self.after_late_plugins: Callable[[], None] | None = None
        self._files = files_named(environ.get(FILES_VARIABLE, ""))
        super().__init__(trace=sys.stderr.write if environ.get("CCDCR_TRACE_PLUGINS") == "1" else None)

    def load(self) -> PluginHost:
        """Load the built-in plugins and those of other distributions."""
        for name, module in DEFAULT_PLUGINS.items():
            self._load(Plugin(name, DISTRIBUTION), functools.partial(import_module, module))
        self._waiting = list(self._installed(self._path))
        self.load_waiting()
        for path in self._files:
            self._load(plugin_of_file(path), functools.partial(module_of_file, path))
        return self

    def load_waiting(self) -> None:
        """Load the plugins of other distributions that were not loaded yet, unless they are being imported."""
        waiting, self._waiting = self._waiting, []
        for plugin, entry_point in waiting:
            if _is_being_imported(entry_point.module_name):
                # A plugin that is imported first imports this package, which must not load it half made.
                self._waiting.append((plugin, entry_point))
            else:
                self._load(plugin, entry_point.load)
        if len(self._waiting) < len(waiting) and self.after_late_plugins is not None:
            self.after_late_plugins()

    def _installed(self, path: list[str] | None) -> Iterator[tuple[Plugin, entrypoints.EntryPoint]]:
        """The plugins of other distributions, not yet imported."""
        with warnings.catch_warnings(record=True) as malformed:
            warnings.simplefilter("always")
            try:
                found = entrypoints.get_group_all(ENTRY_POINT_GROUP, path=path)
            except (configparser.Error, OSError, UnicodeError) as err:
                found = []
                unreadable = str(err)
            else:
                unreadable = ""
        nameless = Plugin("entry_points.txt", "unknown")
        for reason in [str(item.message) for item in malformed] + [unreadable] * bool(unreadable):
            self.fail(nameless, f"its entry points can't be read: {reason}")
        for entry_point in found:
            distro = entry_point.distro
            yield Plugin(entry_point.name, distro.name, distro.version or ""), entry_point

    def _load(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        if self.disabled & {_normal(plugin.name), _normal(plugin.distribution)} - {DISTRIBUTION}:
            self.disable(plugin)
            return
        try:
            self.add(load(), plugin)
        except FAILURES as err:
            self.fail(plugin, reason_of(err))


def _is_being_imported(module: str) -> bool:
    """Whether a module is half made: its import has begun and not ended."""
    return getattr(getattr(sys.modules.get(module), "__spec__", None), "_initializing", False)


def _normal(name: str) -> str:
    """The name of a plugin or distribution in lower case, with hyphens, as names are compared."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


_host_lock = threading.RLock()
_host: PluginHost | None = None


def host() -> PluginHost:
    """The process's one plugin host; the first call loads the plugins."""
    global _host
    with _host_lock:
        if _host is None:
            # A plugin that asks for the host while it is loaded gets this one, as far as it is.
            _host = PluginHost()
            _host.load()
        else:
            _host.load_waiting()
        return _host


def register(module: Any, name: str) -> None:
    """
    Register a plugin for this process, without an entry point.

    Parameters
    ----------
    module : object
        A module or an instance with hook implementations.
    name : str
        The plugin's name.

    Raises
    ------
    CosmicRayError
        If the name is taken or a hook implementation fits no hook.

    Warns
    -----
    PluginWarning
        For each thing it yields that can't be taken.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from ccdproc_crplugin import Detection, Detector, hookimpl, detectors, plugins
    >>> def detect(data, *, mask, variance, readnoise, saturation):
    ...     return Detection(data > 1000)
    >>> @hookimpl
    ... def ccdcr_detectors():
    ...     yield Detector("threshold", "every pixel above a level", detect)
    >>> plugins.register(SimpleNamespace(ccdcr_detectors=ccdcr_detectors), "mine")
    >>> "threshold" in detectors()
    True
    >>> plugins.unregister("mine")
    """
    with _host_lock:
        try:
            host().add(module, Plugin(name, THIS_PROCESS))
        except FAILURES as err:
            raise CosmicRayError(f"The plugin {name!r} can't be registered: {reason_of(err)}") from err


def load_plugin(path: str | os.PathLike) -> str:
    """
    Register the hooks of a single file for this process; loading it again replaces what it registered before.

    Parameters
    ----------
    path : path
        A Python file with hook implementations.

    Returns
    -------
    str
        The plugin's name: that of the file without ``.py``.

    Raises
    ------
    CosmicRayError
        If the file can't be read or run, or a hook implementation fits no hook.

    Warns
    -----
    PluginWarning
        For each thing it yields that can't be taken.

    Examples
    --------
    >>> from pathlib import Path
    >>> import ccdproc_crplugin as crp
    >>> source = '''
    ... from ccdproc_crplugin import Detection, Detector, hookimpl
    ...
    ... def detect(data, *, mask, variance, readnoise, saturation, limit=1000.0):
    ...     return Detection((data > limit) & ~mask)
    ...
    ... @hookimpl
    ... def ccdcr_detectors():
    ...     yield Detector("above", "every pixel above a level (electron)", detect)
    ... '''
    >>> _ = Path("above.py").write_text(source)
    >>> crp.load_plugin("above.py"), "above" in crp.detectors()
    ('above', True)
    >>> crp.plugins.unregister("above")
    """
    plugin = plugin_of_file(path)
    try:
        module = module_of_file(path)
    except FAILURES as err:
        raise _not_loaded(path, err) from err
    with _host_lock:
        host().forget(plugin)
        try:
            host().add(module, plugin)
        except FAILURES as err:
            raise _not_loaded(path, err) from err
    return plugin.name


def _not_loaded(path: str | os.PathLike, err: BaseException) -> CosmicRayError:
    advice = "Give a Python file whose ccdcr_* functions are marked with ccdproc_crplugin.hookimpl."
    return CosmicRayError(
        f"Found that the plugin file {os.fspath(path)!r:.300} can't be loaded: {reason_of(err)}", advice
    )


def unregister(name: str) -> None:
    """
    Unregister a plugin of this process.

    Parameters
    ----------
    name : str
        The plugin's name. If several have it, the last to be registered goes.

    Raises
    ------
    CosmicRayError
        If no plugin has that name.
    """
    with _host_lock:
        host().remove(name)


def detectors() -> Mapping[str, Detector]:
    """
    The detectors that are registered.

    Returns
    -------
    mapping of str to Detector
        In the order of registration, the built-in ones first.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> list(crp.detectors())[:3]
    ['lacosmic', 'astroscrappy', 'median']
    """
    return host().registered("detector")


def stack_detectors() -> Mapping[str, StackDetector]:
    """
    The detectors for several exposures that are registered.

    Returns
    -------
    mapping of str to StackDetector
        In the order of registration, the built-in ones first.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> list(crp.stack_detectors())[:1]
    ['stack']
    """
    return host().registered("stack detector")


def steps() -> Mapping[str, Step]:
    """
    The reduction steps that are registered.

    Returns
    -------
    mapping of str to Step
        In the order of registration, the built-in ones first.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> list(crp.steps())[:3]
    ['subtract_overscan', 'trim', 'mask_bad_pixels']
    """
    return host().registered("step")


def checks() -> Mapping[str, Check]:
    """
    The checks of the preflight that are registered.

    Returns
    -------
    mapping of str to Check
        In the order of registration, the built-in ones first.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> list(crp.checks())[:3]
    ['kind', 'unit', 'records']
    """
    return host().registered("check")


def dialects() -> Mapping[str, Dialect]:
    """
    The dialects of headers that are registered.

    Returns
    -------
    mapping of str to Dialect
        In the order of registration, the built-in ones first.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> "EXPTIME" in crp.dialects()["common"].keywords["exposure"]
    True
    """
    return host().registered("dialect")


def flags() -> Mapping[str, Flag]:
    """
    The bits of the flags of cleaned frames that plugins claim; `PixelFlag` has those of the host.

    Returns
    -------
    mapping of str to Flag
        In the order of registration.

    Examples
    --------
    >>> import ccdproc_crplugin as crp
    >>> dict(crp.flags())
    {}
    """
    return host().registered("flag")


def find_step(name: str) -> Step:
    """A reduction step by its name."""
    return _find("step", name)


def find_detector(name: str) -> Detector:
    """A detector by its name."""
    return _find("detector", name)


def find_stack_detector(name: str) -> StackDetector:
    """A detector for several exposures by its name."""
    return _find("stack detector", name)


def _find(kind: str, name: str) -> Any:
    known = host().registered(kind)
    if not isinstance(name, str) or name not in known:
        advice = "`ccdcr plugins` shows which plugins failed to load."
        raise wrong_value(kind, name, f"one of: {', '.join(known)}", advice)
    return known[name]
