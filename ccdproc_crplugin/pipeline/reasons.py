# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Why a frame failed, in the words of the night that it belongs to, and what is left of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ccdproc_crplugin.calibration.grouping import CALIBRATION_KINDS
from ccdproc_crplugin.pipeline.model import Night
from ccdproc_crplugin.pipeline.plan import output_name
from ccdproc_crplugin.pipeline.results import headers_of_result

__all__ = ["with_reason_told"]

#: What messages tell to give, as keywords of Python, and what a configuration has for it.
CONFIGURED = {
    r"Give (gain|readnoise)= in (\S+)\.": r"Give \1 = … (\2) under [headers] in the configuration.",
    r"Give (gain|readnoise|unit)=\.": r"Give \1 = … under [headers] in the configuration.",
    r"Give unit='adu' or unit='electron'\.": "Give unit = 'adu' or 'electron' under [headers] in the configuration.",
}


def with_reason_told(row: Mapping[str, Any], night: Night) -> dict[str, Any]:
    """The row of a frame, its reason completed if it failed."""
    if row["status"] != "failed":
        return dict(row)
    reason = row["reason"]
    if night.input is not None:
        for keyword, entry in CONFIGURED.items():
            reason = re.sub(keyword, entry, reason)
    name = output_name(night, row["file"])
    if row["kind"] not in CALIBRATION_KINDS and headers_of_result(night.output / name):
        reason = f"{reason.removesuffix('.')}; {name} of an earlier run stays"
    return {**row, "reason": reason}
