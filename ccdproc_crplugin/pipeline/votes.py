# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What the frames of a result say of the hot pixels of their chips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.nddata import CCDData

from ccdproc_crplugin.frames import header
from ccdproc_crplugin.frames.cards import EDITED_CARD
from ccdproc_crplugin.frames.hits import voting_hits
from ccdproc_crplugin.frames.removed import record_of
from ccdproc_crplugin.io.layout import read_frames
from ccdproc_crplugin.pipeline.model import Chip, Outcome, Task, Vote
from ccdproc_crplugin.pipeline.results import facts_of, headers_of_result

#: Cards that name the camera and its chip.
CAMERA_CARDS = ("INSTRUME", "CAMERA", "DETECTOR", "DETNAME", "CCDNAME", "CHIPID", "CCDID")


def chip_of(ccd: CCDData, hdu: int, n_frames: int) -> Chip:
    """The chip of a frame, by its header and its HDU in a file of so many frames."""
    cards = [header.value_of(ccd.meta, card) for card in CAMERA_CARDS]
    binning = header.binning(ccd.meta)
    return Chip(
        camera=" ".join(str(value).strip() for value in dict.fromkeys(cards) if value not in (None, "")),
        hdu=hdu if n_frames > 1 else 0,
        binning="x".join(map(str, binning.value)) if binning else "",
        shape=ccd.data.shape,
    )


def votes_of(frames: Mapping[int, CCDData]) -> tuple[Vote, ...]:
    """The votes of the frames of a file, by their HDU in the result."""
    return tuple(_vote_of(ccd, chip_of(ccd, hdu, len(frames))) for hdu, ccd in frames.items())


def _vote_of(ccd: CCDData, chip: Chip) -> Vote:
    record = record_of(ccd)
    put_back = None
    if record is not None and record.put_back is not None:
        put_back = record.put_back[:, 0].astype(np.int64) * chip.shape[1] + record.put_back[:, 1]
    return Vote(chip, voting_hits(ccd), put_back, EDITED_CARD in ccd.meta)


def read_votes(task: Task) -> Outcome:
    """The votes of a result of an earlier run, with the columns of its row that its headers say."""
    target = Path(task.target)
    return Outcome([facts_of(headers_of_result(target), target)], votes=votes_of(read_frames(target, is_input=False)))
