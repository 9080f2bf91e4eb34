# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The registered plugins: what each registered, and what was left out and why.

Nothing that a plugin does costs more than that plugin.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pluggy

from ccdproc_crplugin.errors import CosmicRayError, PluginWarning, reason_of
from ccdproc_crplugin.plugins.model import Flag
from ccdproc_crplugin.plugins.rules import REGISTRIES, check_plugin, checked_name, new_manager

#: What a plugin may raise without costing more than itself.
FAILURES = (Exception, SystemExit)


@dataclass(frozen=True)
class Plugin:
    """A plugin and where it comes from."""

    name: str
    distribution: str
    version: str = ""

    @property
    def key(self) -> str:
        """The identity of the plugin."""
        return f"{self.distribution}:{self.name}"

    def __str__(self) -> str:
        release = f"{self.distribution} {self.version}".strip()
        return f"plugin {self.name!r} of distribution {release!r}"


@dataclass(frozen=True)
class Registration:
    """One thing that a plugin registered, or failed to."""

    kind: str
    name: str
    plugin: Plugin
    item: Any = None
    status: str = "ok"
    detail: str = ""


class Registry:
    """The plugins with what they registered and what failed."""

    def __init__(self, trace: Callable[[str], Any] | None = None) -> None:
        self.registrations: list[Registration] = []
        self._plugins: dict[str, Plugin] = {}
        self._manager = new_manager()
        if trace is not None:
            self._manager.trace.root.setwriter(trace)
        self._trace = self._manager.trace.root.get("ccdcr")

    def add(self, module: Any, plugin: Plugin) -> None:
        """Register a plugin with everything that it declares."""
        if plugin.key in self._plugins:
            raise CosmicRayError(f"{plugin} is registered already; unregister it first or choose another name.")
        check_plugin(module, plugin.name)
        self._manager.register(module, name=plugin.key)
        self._plugins[plugin.key] = plugin
        self._trace("loaded:", plugin)
        for implementation in self._implementations_of(module):
            hook = implementation.opts["specname"] or implementation.function.__name__
            if hook in REGISTRIES:
                self._collect(hook, implementation.function, plugin)

    def remove(self, name: str) -> None:
        """Unregister the plugin that was the last to be registered under a name."""
        chosen = [plugin for plugin in self._plugins.values() if plugin.name == name]
        if not chosen:
            known = ", ".join(plugin.name for plugin in self._plugins.values())
            raise CosmicRayError(f"No plugin is named {name!r}; registered are: {known}.")
        self.forget(chosen[-1])

    def forget(self, plugin: Plugin) -> None:
        """Unregister a plugin if it is registered, with what it registered and what failed."""
        if self._plugins.pop(plugin.key, None) is not None:
            self._manager.unregister(name=plugin.key)
        self.registrations = [entry for entry in self.registrations if entry.plugin.key != plugin.key]

    def registered(self, kind: str) -> Mapping[str, Any]:
        """Everything of one kind that is registered, by name."""
        return MappingProxyType(
            {entry.name: entry.item for entry in self.registrations if entry.kind == kind and entry.status == "ok"}
        )

    def plugin_of(self, kind: str, name: str) -> Plugin:
        """The plugin that registered something."""
        return next(
            entry.plugin for entry in self.registrations if (entry.kind, entry.name, entry.status) == (kind, name, "ok")
        )

    def implementations(self, hook: str) -> Iterator[tuple[Plugin, Callable[..., Any]]]:
        """The implementations of a hook, to be called one by one."""
        for implementation in reversed(getattr(self._manager.hook, hook).get_hookimpls()):
            plugin = self._plugins[implementation.plugin_name]
            self._trace(hook, "of", plugin)
            yield plugin, functools.partial(_call, implementation)

    def fail(self, plugin: Plugin, reason: str, kind: str = "plugin") -> None:
        """Record and warn that a part of a plugin is left out."""
        self.registrations.append(Registration(kind, plugin.name, plugin, status="failed", detail=reason))
        warnings.warn(f"{plugin} was left out: {reason}", PluginWarning, stacklevel=2)

    def disable(self, plugin: Plugin) -> None:
        """Record that the user disabled a plugin."""
        self.registrations.append(Registration("plugin", plugin.name, plugin, status="disabled"))
        self._trace("disabled:", plugin)

    def _implementations_of(self, module: Any) -> list[pluggy.HookImpl]:
        callers = self._manager.get_hookcallers(module) or []
        return [impl for caller in callers for impl in caller.get_hookimpls() if impl.plugin is module]

    def _collect(self, hook: str, function: Callable[[], Any], plugin: Plugin) -> None:
        kind, expected = REGISTRIES[hook]
        try:
            items = list(function() or ())
        except FAILURES as err:
            self.fail(plugin, f"{hook} failed: {reason_of(err)}", kind)
            return
        for item in items:
            self._accept(kind, expected, item, plugin)

    def _check_bit(self, flag: Flag) -> None:
        """Refuse a flag whose bit is another's."""
        for name, other in self.registered("flag").items():
            if other.bit == flag.bit:
                owner = self.plugin_of("flag", name)
                raise CosmicRayError(
                    f"the bit {flag.bit} is claimed already for {name!r} by {owner}; choose another bit."
                )

    def _accept(self, kind: str, expected: Any, item: Any, plugin: Plugin) -> None:
        try:
            name = checked_name(kind, expected, item)
            if name in self.registered(kind):
                owner = self.plugin_of(kind, name)
                raise CosmicRayError(f"the {kind} name {name!r} is taken already by {owner}; choose another name.")
            if kind == "flag":
                self._check_bit(item)
        except FAILURES as err:
            self.fail(plugin, reason_of(err), kind)
            return
        self.registrations.append(Registration(kind, name, plugin, item))
        self._trace("registered:", kind, name, "by", plugin)


def _call(implementation: pluggy.HookImpl, **arguments: Any) -> Any:
    return implementation.function(**{name: arguments[name] for name in implementation.argnames})
