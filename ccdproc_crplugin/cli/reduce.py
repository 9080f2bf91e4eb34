# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr reduce``: reduce a night."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli import options
from ccdproc_crplugin.cli.messages import UsageError, progress_bar, say, show, telling, wrong_usage

SUMMARY = "reduce a whole night"
DESCRIPTION = (
    "Combine the calibration frames of a night and take its light frames through the steps that a TOML file lists. "
    "Frames that an earlier run finished are kept."
)


NOTHING_TO_DO = (
    "Found no frame that a step takes; expected some. `ccdcr headers FOLDER` shows what the headers say; kind under "
    "[headers], or [select], says what the frames are."
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("config", type=options.existing_file, metavar="NIGHT.toml", help="configuration of the night")
    add("--dry-run", action="store_true", help="print what would be done and what is missing")
    where = parser.add_mutually_exclusive_group()
    text = "number of processes (default: what processors, memory and number of frames allow)"
    where.add_argument("--workers", type=options.whole_number(1), metavar="N", help=text)
    where.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster, such as tcp://host:8786")
    add("--no-report", action="store_true", help="write no report.html")
    options.add_switches(parser, "quiet")
    options.add_kind(parser, "kind of the frames whose headers do not say it, as kind under [headers]")
    options.add_dialect(parser)


def run(args: argparse.Namespace) -> int:
    """Reduce the night; return 1 if a frame failed, else 0."""
    from ccdproc_crplugin.pipeline.log import outcome_line, preflight_lines, verdict_lines
    from ccdproc_crplugin.pipeline.run import run_night
    from ccdproc_crplugin.pipeline.table import TABLE

    night = _read_night(args)
    if args.dry_run:
        return _show_plan(night)
    start = time.perf_counter()
    progress = progress_bar(args, unit="frame")
    with _executor(args.dask) as executor, telling():
        table = run_night(night, executor=executor, n_workers=args.workers, progress=progress)
        page = None if args.no_report else _write_page(table, night.output, progress)
    _say_reasons(table)
    written = filter(None, (night.output / TABLE, page))
    show(outcome_line(table, time.perf_counter() - start), *(f"wrote {path}" for path in written))
    for line in (*preflight_lines(table), *verdict_lines(table)):
        say(line)
    if set(table["status"]) == {"skipped"}:
        say(NOTHING_TO_DO)
        return 1
    return 1 if "failed" in table["status"] else 0


def _read_night(args: argparse.Namespace) -> Any:
    """The night; an error in its configuration is one of usage."""
    from ccdproc_crplugin.pipeline.config import read_night
    from ccdproc_crplugin.pipeline.folder import check_folders

    with wrong_usage():
        night = read_night(args.config)
        check_folders(night.input, night.output)
    return replace(night, headers={**night.headers, "kind": args.kind}) if args.kind else night


def _show_plan(night: Any) -> int:
    from ccdproc_crplugin.pipeline.run import plan_of

    with telling():
        plan = plan_of(night)
    show(*str(plan).splitlines())
    if not (plan.lights or plan.groups):
        say(NOTHING_TO_DO)
    return 1 if any(status == "failed" for _, status, _ in plan.others) or not (plan.lights or plan.groups) else 0


def _write_page(table: Any, output: Path, progress: Any) -> Path | None:
    """Write the page of the night, unless no frame was cleaned or it exists and nothing is new."""
    from ccdproc_crplugin.report.page import write_report

    page = output / "report.html"
    cleaned = table[table["detector"] != ""]["status"].tolist()
    if "done" not in cleaned and not ("kept" in cleaned and not page.exists()):
        return None
    return write_report(output, page, overwrite=True, progress=functools.partial(progress, desc="report", leave=False))


def _say_reasons(table: Any) -> None:
    """Name the frames that failed or were kept for a reason."""
    import numpy as np

    for row in table[np.isin(table["status"], ["failed", "kept"]) & (table["reason"] != "")]:
        say(f"{row['file']}: {row['status']}: {row['reason']}")


@contextmanager
def _executor(address: str | None) -> Iterator[Any]:
    """The workers of a Dask cluster; None if no cluster is named."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as err:
        raise UsageError(
            "Found no Dask for --dask; expected it installed.", "Run python -m pip install 'ccdproc_crplugin[dask]'."
        ) from err
    try:
        client = Client(address, timeout="20s")
    except (OSError, ValueError) as err:
        raise UsageError(f"Found no Dask scheduler at {address!r} ({err}); expected its address.") from err
    with client:
        yield client.get_executor()
