# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Finds the plugins, keeps each apart from the others, and knows what they registered.

Nothing that a plugin does costs more than that plugin: each is loaded, checked and asked on its own.
"""

from __future__ import annotations

import configparser
import functools
import inspect
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

import entrypoints
import pluggy

from ccdproc_crplugin import hookspecs
from ccdproc_crplugin.errors import CosmicRayError, PluginWarning
from ccdproc_crplugin.model import DETECTOR_KEYWORDS, HOST_KEYWORDS, Check, Detector, Step

__all__ = [
    "DEFAULT_PLUGINS",
    "ENTRY_POINT_GROUP",
    "PluginHost",
    "checks",
    "detector_parameters",
    "detectors",
    "find_detector",
    "host",
    "register",
    "steps",
    "unregister",
]

ENTRY_POINT_GROUP = "ccdproc_crplugin"

DISTRIBUTION = "ccdproc-crplugin"

#: The built-in plugins, by name.
DEFAULT_PLUGINS = {
    "lacosmic": "ccdproc_crplugin.detectors.lacosmic",
    "astroscrappy": "ccdproc_crplugin.detectors.astroscrappy",
    "median": "ccdproc_crplugin.detectors.median",
    "preflight": "ccdproc_crplugin.preflight",
    "methods": "ccdproc_crplugin.methods",
}

#: The hooks that declare something, and what each must yield.
REGISTRIES = {
    "ccdcr_detectors": ("detector", Detector),
    "ccdcr_steps": ("step", Step),
    "ccdcr_checks": ("check", Check),
    "ccdcr_methods": ("method", Callable),
}

#: What a plugin may raise without costing more than itself.
FAILURES = (Exception, SystemExit)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Plugin:
    """
    A plugin and where it comes from.
    """

    name: str
    distribution: str
    version: str = ""

    @property
    def key(self) -> str:
        """
        What tells it from every other plugin.
        """
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        release = f"{self.distribution} {self.version}".strip()
        return f"plugin {self.name!r} of distribution {release!r}"


@dataclass(frozen=True)
class Registration:
    """
    One thing that a plugin registered, or failed to.
    """

    kind: str
    name: str
    plugin: Plugin
    item: Any = None
    status: str = "ok"
    detail: str = ""


class PluginHost:
    """
    Loads the plugins and answers for them.

    Parameters
    ----------
    path : list of str or None
        Where to look for installed distributions; `None` means ``sys.path``.
    environ : mapping or None
        Where ``CCDCR_DISABLE_PLUGINS`` and ``CCDCR_TRACE_PLUGINS`` are read; `None` means the
        environment of the process.

    Examples
    --------
    >>> from ccdproc_crplugin.plugins import PluginHost
    >>> "lacosmic" in PluginHost(path=[]).load().registered("detector")
    True
    """

    def __init__(self, path: list[str] | None = None, environ: Mapping[str, str] | None = None):
        environ = os.environ if environ is None else environ
        self.disabled = {_normal(name) for name in environ.get("CCDCR_DISABLE_PLUGINS", "").split(",")}
        self.registrations: list[Registration] = []
        self._plugins: dict[str, Plugin] = {}
        self._manager = _new_manager()
        if environ.get("CCDCR_TRACE_PLUGINS") == "1":
            self._manager.trace.root.setwriter(sys.stderr.write)
        self._trace = self._manager.trace.root.get("ccdcr")
        self._path = path

    def load(self) -> PluginHost:
        """
        Load the built-in plugins and those of other distributions.

        Returns
        -------
        PluginHost
            The host itself.

        Warns
        -----
        PluginWarning
            For each plugin that is left out, wholly or in part.
        """
        for name, module in DEFAULT_PLUGINS.items():
            self._load(Plugin(name, DISTRIBUTION), functools.partial(import_module, module))
        for plugin, load in self._installed(self._path):
            self._load(plugin, load)
        return self

    def _installed(self, path: list[str] | None) -> Iterator[tuple[Plugin, Callable]]:
        """
        The plugins of other distributions, not yet imported.
        """
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
            self._fail(nameless, f"its entry points can't be read: {reason}")
        for entry_point in found:
            distro = entry_point.distro
            yield Plugin(entry_point.name, distro.name, distro.version or ""), entry_point.load

    def _load(self, plugin: Plugin, load: Callable[[], Any]) -> None:
        if self.disabled & {_normal(plugin.name), _normal(plugin.distribution)} - {DISTRIBUTION}:
            self.registrations.append(Registration("plugin", plugin.name, plugin, status="disabled"))
            self._trace("disabled:", plugin)
            return
        try:
            self.add(load(), plugin)
        except FAILURES as err:
            self._fail(plugin, _describe(err))

    def add(self, module: Any, plugin: Plugin) -> None:
        """
        Register a plugin and take what it declares.

        Parameters
        ----------
        module : object
            Whatever carries the hook implementations: a module or an instance.
        plugin : Plugin
            Its name and distribution.

        Raises
        ------
        CosmicRayError
            If a plugin of that name is there already.
        ~pluggy.PluginValidationError
            If a hook implementation fits no hook.
        """
        if plugin.key in self._plugins:
            raise CosmicRayError(f"{plugin} is registered already; unregister it first or choose another name.")
        _validate(module, plugin)
        self._manager.register(module, name=plugin.key)
        self._plugins[plugin.key] = plugin
        self._trace("loaded:", plugin)
        for implementation in self._implementations_of(module):
            if implementation.function.__name__ in REGISTRIES or implementation.opts["specname"] in REGISTRIES:
                self._collect(implementation, plugin)

    def remove(self, name: str) -> None:
        """
        Forget a plugin and all that it registered.

        Parameters
        ----------
        name : str
            Name of the plugin.

        Raises
        ------
        CosmicRayError
            If there is none of that name.
        """
        chosen = [plugin for plugin in self._plugins.values() if plugin.name == name]
        if not chosen:
            known = ", ".join(plugin.name for plugin in self._plugins.values())
            raise CosmicRayError(f"No plugin is named {name!r}; registered are: {known}.")
        for plugin in chosen:
            del self._plugins[plugin.key]
            self._manager.unregister(name=plugin.key)
            self.registrations = [entry for entry in self.registrations if entry.plugin != plugin]

    def registered(self, kind: str) -> Mapping[str, Any]:
        """
        What the plugins registered of one kind.

        Parameters
        ----------
        kind : {"detector", "step", "check", "method"}
            The kind.

        Returns
        -------
        mapping of str to object
            In the order of registration, the built-in ones first.
        """
        return MappingProxyType(
            {entry.name: entry.item for entry in self.registrations if entry.kind == kind and entry.status == "ok"}
        )

    def plugin_of(self, kind: str, name: str) -> Plugin:
        """
        The plugin that registered something.

        Parameters
        ----------
        kind, name : str
            What was registered.

        Returns
        -------
        Plugin
            Its name and distribution.
        """
        return next(
            entry.plugin for entry in self.registrations if (entry.kind, entry.name, entry.status) == (kind, name, "ok")
        )

    def implementations(self, hook: str) -> Iterator[tuple[Plugin, Callable[..., Any]]]:
        """
        The implementations of a hook, to be called one by one.

        Parameters
        ----------
        hook : str
            Name of the hook.

        Yields
        ------
        plugin : Plugin
            Whose implementation it is.
        call : callable
            Takes the hook's arguments as keywords and passes on those that the implementation asks for.
        """
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self._plugins[implementation.plugin_name]
            self._trace(hook, "of", plugin)
            yield plugin, functools.partial(_call, implementation)

    def _implementations_of(self, module: Any) -> list[pluggy.HookImpl]:
        callers = self._manager.get_hookcallers(module) or []
        return [impl for caller in callers for impl in caller.get_hookimpls() if impl.plugin is module]

    def _collect(self, implementation: pluggy.HookImpl, plugin: Plugin) -> None:
        hook = implementation.opts["specname"] or implementation.function.__name__
        kind, expected = REGISTRIES[hook]
        try:
            items = list(implementation.function() or ())
        except FAILURES as err:
            self._fail(plugin, f"{hook} failed: {_describe(err)}", kind)
            return
        for item in items:
            self._accept(kind, expected, item, plugin)

    def _accept(self, kind: str, expected: type, item: Any, plugin: Plugin) -> None:
        try:
            name = _checked_name(kind, expected, item)
            if name in self.registered(kind):
                owner = self.plugin_of(kind, name)
                raise CosmicRayError(f"the {kind} name {name!r} is taken already by {owner}; choose another name.")
        except FAILURES as err:
            self._fail(plugin, str(err) if isinstance(err, CosmicRayError) else _describe(err), kind)
            return
        self.registrations.append(Registration(kind, name, plugin, item))
        self._trace("registered:", kind, name, "by", plugin)

    def _fail(self, plugin: Plugin, reason: str, kind: str = "plugin") -> None:
        self.registrations.append(Registration(kind, plugin.name, plugin, status="failed", detail=reason))
        warnings.warn(f"{plugin} was left out: {reason}", PluginWarning, stacklevel=2)


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def _call(implementation: pluggy.HookImpl, **arguments: Any) -> Any:
    return implementation.function(**{name: arguments[name] for name in implementation.argnames})


def _validate(module: Any, plugin: Plugin) -> None:
    """
    Refuse a plugin of which a part would be ignored or could not be called.
    """
    if inspect.isclass(module):
        raise CosmicRayError(f"it is the class {module.__name__!r}; give a module or an instance.")
    probe = _new_manager()
    probe.register(module, name=plugin.name)
    probe.check_pending()
    callers = probe.get_hookcallers(module) or []
    if not callers:
        raise CosmicRayError("it implements no hook; mark its ccdcr_* functions with ccdproc_crplugin.hookimpl.")
    marked = {caller.name for caller in callers}
    for name in dir(module):
        if name.startswith("ccdcr_") and name not in marked and callable(getattr(module, name)):
            raise CosmicRayError(f"its function {name} is not marked with ccdproc_crplugin.hookimpl.")
    for implementation in (impl for caller in callers for impl in caller.get_hookimpls()):
        if implementation.wrapper or implementation.hookwrapper:
            raise CosmicRayError(f"{implementation.function.__name__} is a hook wrapper, which no hook here takes.")


def _checked_name(kind: str, expected: type, item: Any) -> str:
    """
    The name under which an item is registered, once it is found to be what the hook asks for.
    """
    if not isinstance(item, expected):
        raise CosmicRayError(f"expected a {kind} ({expected.__name__}), found {type(item).__name__}: {item!r:.80}.")
    name = item.__name__ if kind == "method" else item.name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CosmicRayError(f"the {kind} name {name!r} should be letters, digits, '_', '-' and '.'.")
    if kind == "detector":
        _check_detector(item)
    elif kind != "method" and not callable(item.run):
        raise CosmicRayError(f"the {kind} {name!r} has a `run` that can't be called: {item.run!r:.80}.")
    return name


def _check_detector(detector: Detector) -> None:
    name = detector.name
    if not callable(detector.detect):
        raise CosmicRayError(f"the detector {name!r} has a `detect` that can't be called: {detector.detect!r:.80}.")
    keywords = list(inspect.signature(detector.detect).parameters.values())[1:]
    variable = [par.name for par in keywords if par.kind in (par.VAR_KEYWORD, par.VAR_POSITIONAL)]
    if variable:
        raise CosmicRayError(f"the detector {name!r} takes *{variable[0]}; name each of its parameters.")
    names = {par.name for par in keywords if par.kind is not par.POSITIONAL_ONLY}
    missing = [keyword for keyword in DETECTOR_KEYWORDS if keyword not in names]
    if missing:
        raise CosmicRayError(f"the detector {name!r} does not take the keywords {', '.join(missing)}.")
    clashing = sorted((names & HOST_KEYWORDS) - set(DETECTOR_KEYWORDS))
    if clashing:
        raise CosmicRayError(
            f"the detector {name!r} has a parameter named {clashing[0]!r}, which is the host's own; rename it."
        )
    required = [par.name for par in _own_parameters(detector) if par.default is par.empty]
    if required:
        raise CosmicRayError(f"the detector {name!r} gives its parameter {required[0]!r} no default.")


def _own_parameters(detector: Detector) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(detector.detect).parameters.values())[1:]
    return [par for par in parameters if par.name not in DETECTOR_KEYWORDS]


def detector_parameters(detector: Detector) -> dict[str, Any]:
    """
    A detector's own parameters and their defaults.

    Parameters
    ----------
    detector : Detector
        The detector.

    Returns
    -------
    dict
        Defaults by name.

    Examples
    --------
    >>> from ccdproc_crplugin.plugins import detector_parameters, find_detector
    >>> detector_parameters(find_detector("median"))["thresh"]
    5.0
    """
    return {par.name: par.default for par in _own_parameters(detector)}


def _describe(err: BaseException) -> str:
    return f"{type(err).__name__}: {' '.join(str(err).split())}"


def _normal(name: str) -> str:
    """
    A name of a plugin or distribution, in the one spelling that counts.
    """
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


_host_lock = threading.RLock()
_host: PluginHost | None = None


def host() -> PluginHost:
    """
    The process's one plugin host; the first call loads the plugins.

    Returns
    -------
    PluginHost
        The host.
    """
    global _host
    with _host_lock:
        if _host is None:
            # A plugin that asks for the host while it is loaded gets this one, as far as it is.
            _host = PluginHost()
            _host.load()
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
            host().add(module, Plugin(name, "this process"))
        except FAILURES as err:
            reason = str(err) if isinstance(err, CosmicRayError) else _describe(err)
            raise CosmicRayError(f"The plugin {name!r} can't be registered: {reason}") from err


def unregister(name: str) -> None:
    """
    Forget a plugin of this process.

    Parameters
    ----------
    name : str
        The plugin's name.

    Raises
    ------
    CosmicRayError
        If there is none of that name.
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


def steps() -> Mapping[str, Step]:
    """
    The reduction steps that are registered.

    Returns
    -------
    mapping of str to Step
        In the order of registration.
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
    >>> list(crp.checks())
    ['kind', 'unit']
    """
    return host().registered("check")


def find_detector(name: str) -> Detector:
    """
    A detector by its name.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    Detector
        The detector.

    Raises
    ------
    CosmicRayError
        If none has that name; the message lists the known ones.

    Examples
    --------
    >>> from ccdproc_crplugin.plugins import find_detector
    >>> find_detector("median").name
    'median'
    """
    known = detectors()
    if not isinstance(name, str) or name not in known:
        raise CosmicRayError(
            f"Found detector={name!r}; expected one of: {', '.join(known)}. "
            "`ccdcr plugins` shows which plugins failed to load."
        )
    return known[name]
