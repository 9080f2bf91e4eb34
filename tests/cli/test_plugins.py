# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
``ccdcr plugins``.
"""

from ccdproc_crplugin.cli import main


def test_plugins_are_listed(capsys):
    assert main(["plugins"]) == 0
    out = capsys.readouterr().out
    assert "engine" in out
    assert "median" in out
