# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What a sub-command of ``ccdcr`` is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Command"]


@dataclass(frozen=True)
class Command:
    """
    A sub-command.

    Parameters
    ----------
    name : str
        The word after ``ccdcr``.
    summary : str
        What it is for, for the list of commands.
    description : str
        What it does, for its own help.
    add_options : callable
        Adds its options to the `~argparse.ArgumentParser` it is given.
    run : callable
        Does it: takes the parsed command line and returns the exit code, 0 where it does not say when it is another.
    """

    name: str
    summary: str
    description: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]

    def add_to(self, commands: Any) -> None:
        """
        Put it on the command line.

        Parameters
        ----------
        commands : object
            What `argparse.ArgumentParser.add_subparsers` gave.
        """
        parser = commands.add_parser(self.name, help=self.summary, description=self.description)
        self.add_options(parser)
        parser.set_defaults(run=self.run)
