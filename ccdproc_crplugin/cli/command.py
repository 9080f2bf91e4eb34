# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a sub-command of ``ccdcr`` is."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """A sub-command."""

    name: str
    summary: str
    description: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]

    def add_to(self, commands: Any) -> None:
        """Put it on the command line."""
        parser = commands.add_parser(self.name, help=self.summary, description=self.description)
        self.add_options(parser)
        parser.set_defaults(run=self.run)
