# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Events for other programs: their table as a file, and regions."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable
from astropy.utils.exceptions import AstropyWarning

from ccdproc_crplugin.errors import CosmicRayError
from ccdproc_crplugin.io.atomic import as_path, atomic_write, ending_of

#: Formats of the table by the ending of its file.
TABLE_FORMATS = {".ecsv": "ascii.ecsv", ".fits": "fits"}


def regions_of(table: QTable) -> Any:
    """A rectangle for each event of a table, as `~regions.Regions`."""
    try:
        from regions import PixCoord, RectanglePixelRegion, Regions
    except ImportError as err:
        raise CosmicRayError(
            "Found no package 'regions'; expected it for regions. Install it with: python -m pip install regions"
        ) from err
    return Regions(
        [
            RectanglePixelRegion(
                PixCoord(row["x"].value, row["y"].value),
                row["length"].value,
                row["width"].value,
                angle=np.nan_to_num(row["orientation"]),
                meta={"text": f"{row['label']}"},
            )
            for row in table
        ]
    )


def write_table(table: QTable, path: str | os.PathLike, overwrite: bool) -> Path:
    """Write a table of events to a file."""
    path = as_path(path)
    form = TABLE_FORMATS[ending_of(path, TABLE_FORMATS)]
    with atomic_write(path, overwrite) as temporary, warnings.catch_warnings():
        # FITS has no standard for the unit electron, but astropy reads it back.
        warnings.filterwarnings("ignore", "The unit 'electron'", AstropyWarning)
        table.write(temporary, format=form)
    return path
