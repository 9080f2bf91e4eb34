# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Events as a notebook shows them: the columns that matter with a picture of each, the others on demand."""

from __future__ import annotations

import base64
import html
from io import BytesIO
from typing import Any

import numpy as np
from astropy.table import QTable

from ccdproc_crplugin.events.gallery import Cutout, limits_of

#: Most events that are shown.
MOST_ROWS = 20

#: The columns that are shown, the picture after the first.
COLUMNS = ("label", "x", "y", "area", "sum", "class")

#: Side of a picture on the page, its pixels not smoothed.
STYLE = "width:4em;height:4em;margin:0;image-rendering:pixelated"


def events_in_html(segments: Any) -> str:
    """The summary of some events, the largest with their pictures, and the whole table behind a switch."""
    summary = f"<p>{html.escape(repr(segments))}</p>"
    labels = segments.largest(MOST_ROWS)
    place = {label: row for row, label in enumerate(segments.table["label"].tolist())}
    rows = segments.table[np.array([place[label] for label in labels], dtype=int)]
    pictures = [_picture(cutout) for cutout in segments.cutouts(labels=labels)]
    more = f"<p>The {len(labels)} largest of {len(segments)} events.</p>" if len(labels) < len(segments) else ""
    whole = f"<details><summary>All columns</summary>{segments.table._repr_html_()}</details>"
    return f"{summary}{_table(rows, pictures)}{more}{whole}"


def _table(rows: QTable, pictures: list[str]) -> str:
    columns = [_cells(rows, name) for name in COLUMNS]
    columns.insert(1, ["frame", *pictures])
    head, *body = zip(*columns, strict=True)
    lines = [_row("th", head), *(_row("td", cells) for cells in body)]
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in cells)}</tr>"


def _cells(rows: QTable, name: str) -> list[str]:
    """The name of a column with its unit, and its values as the table prints them."""
    unit = rows[name].info.unit
    heading = f"{name} ({unit})" if unit else name
    return [html.escape(text) for text in [heading, *rows[name].info.iter_str_vals()]]


def _picture(cutout: Cutout) -> str:
    """The frame around an event."""
    from matplotlib.image import imsave

    low, high = limits_of(cutout)["frame"]
    stream = BytesIO()
    image = np.ma.masked_invalid(cutout.images["frame"])
    imsave(stream, image, format="png", cmap="gray", vmin=low, vmax=high, origin="lower")
    address = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
    return (
        f'<img src="{address}" alt="{html.escape(cutout.title)}" title="{html.escape(cutout.title)}" style="{STYLE}">'
    )
