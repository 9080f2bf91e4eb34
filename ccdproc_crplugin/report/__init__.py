# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
A night on one page, to be looked at in a browser.
"""

from __future__ import annotations

from ccdproc_crplugin.report.page import write_report

__all__ = ["write_report"]
