# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The exit codes and the help of ``ccdcr``.
"""

import pytest

from ccdproc_crplugin.cli import COMMANDS, main


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["no-such-command"],
        ["clean"],
        ["clean", "nothing*here"],
        ["clean", ".", "--detector", "nobody"],
        ["clean", ".", "-p", "sigclp=4"],
        ["clean", ".", "-p", "sigclip"],
        ["clean", ".", "-p", "sigclip=4", "--sigclip", "5"],
        ["clean", "."],
        ["clean", ".", "--repair", "zap"],
        ["clean", ".", "--unit", "furlong"],
        ["segments", "."],
        ["segments", "gone.fits"],
        ["compare", "gone.fits", "gone.fits"],
        ["restore", "gone.fits", "out.fits"],
        ["segments", ".", "--rows", "0"],
        ["reduce", "gone.toml"],
    ],
)
def test_wrong_usage_is_exit_code_2(here, capsys, words):
    assert main(words) == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    assert main([command, "--help"]) == 0
    assert "usage: ccdcr" in capsys.readouterr().out


def test_a_number_that_is_none_is_explained(here, capsys):
    assert main(["simulate", "new", "--n-stars", "many"]) == 2
    assert "argument --n-stars: 'many' should be a whole number of 0 or more" in capsys.readouterr().err


def test_the_help_lists_all_sub_commands(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert [line.split()[0] for line in printed.splitlines() if line.startswith("    ")] == list(COMMANDS)
