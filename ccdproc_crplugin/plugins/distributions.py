# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the metadata of a distribution say: its version, its licence, and whether its needs are met."""

from __future__ import annotations

import functools
import re
from importlib import metadata
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement

#: Longest licence that is shown; older metadata may have the whole text.
LONGEST_LICENCE = 40


class Facts(NamedTuple):
    """What the metadata of a distribution say."""

    version: str = ""
    licence: str = ""
    needs: str = ""  # "met", or what is lacking


@functools.lru_cache(maxsize=256)
def facts_of(distribution: str) -> Facts:
    """What the metadata of a distribution say; nothing of one that has none."""
    try:
        found = metadata.distribution(distribution)
        return Facts(found.version or "", _licence(found), _needs(found))
    except (metadata.PackageNotFoundError, ValueError, OSError, TypeError):
        return Facts()


def _licence(found: metadata.Distribution) -> str:
    """The licence by its expression, its old field, or its classifier."""
    declared = found.metadata
    classifiers = [
        line.rpartition("::")[2].strip() for line in declared.get_all("Classifier") or () if "License ::" in line
    ]
    named = [declared[field] for field in ("License-Expression", "License") if field in declared]
    for text in (*named, ", ".join(classifiers)):
        first = str(text).strip().partition("\n")[0]
        if first and first.upper() != "UNKNOWN":
            return first if len(first) <= LONGEST_LICENCE else first[: LONGEST_LICENCE - 1] + "…"
    return ""


def _needs(found: metadata.Distribution) -> str:
    """Whether what a distribution requires is installed, each in a version that will do."""
    lacking = [reason for text in found.requires or () if (reason := _lacking(text))]
    return f"lacks {', '.join(lacking)}" if lacking else "met"


def _lacking(text: str) -> str:
    """What a requirement lacks here, in words; extras are not required."""
    try:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            return ""
    except InvalidRequirement:
        return re.sub(r"\s+", " ", text)
    wanted = f"{requirement.name}{requirement.specifier}"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return wanted
    fits = requirement.specifier.contains(version, prereleases=True)
    return "" if fits else f"{wanted} (there is {version})"
