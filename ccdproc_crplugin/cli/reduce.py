# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``ccdcr reduce``: a whole night."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ccdproc_crplugin.cli.command import Command
from ccdproc_crplugin.cli.options import UsageError, existing_file, plain, say, telling
from ccdproc_crplugin.errors import CosmicRayError

__all__ = ["COMMAND"]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", type=existing_file, metavar="NIGHT.toml", help="the night's configuration")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, and what is missing")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=_count, metavar="N", help="processes (default: as processors, memory and work allow)"
    )
    where.add_argument("--dask", metavar="ADDRESS", help="scheduler of a Dask cluster, such as tcp://host:8786")
    parser.add_argument("--no-report", action="store_true", help="no page to look at the night")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word!r} should be a whole number of 1 or more")
    return int(word)


def _run(args: argparse.Namespace) -> int:
    """Reduce the night; 0 if every frame is done, 1 if some failed."""
    from tqdm import tqdm

    from ccdproc_crplugin.pipeline.log import outcome_line, preflight_lines
    from ccdproc_crplugin.pipeline.run import run_night
    from ccdproc_crplugin.pipeline.table import TABLE

    night = _read_night(args.config)
    if args.dry_run:
        return _tell_plan(args.config)
    start = time.perf_counter()
    progress = functools.partial(tqdm, unit="frame", disable=args.quiet or None, dynamic_ncols=True)
    with _executor(args.dask) as executor, telling():
        table = run_night(night, executor=executor, n_workers=args.workers, progress=progress)
        page = None if args.no_report else _write_page(table, night.output, progress)
    _tell_reasons(table)
    print(outcome_line(table, time.perf_counter() - start))
    for path in filter(None, (night.output / TABLE, page)):
        print(f"wrote {plain(str(path))}")
    for line in preflight_lines(table):
        say(line)
    return 1 if "failed" in table["status"] else 0


def _read_night(config: Path) -> Any:
    """The night; what is wrong with its configuration is wrong usage."""
    from ccdproc_crplugin.pipeline.config import read_night
    from ccdproc_crplugin.pipeline.folder import check_folders

    try:
        night = read_night(config)
        check_folders(night.input, night.output)
    except CosmicRayError as err:
        raise err.within(kind=UsageError) from err
    return night


def _tell_plan(config: Path) -> int:
    from ccdproc_crplugin.pipeline.run import plan_night

    with telling():
        plan = plan_night(config)
    print("\n".join(plain(line) for line in str(plan).splitlines()))
    return 1 if any(status == "failed" for _, status, _ in plan.others) else 0


def _write_page(table: Any, output: Path, progress: Any) -> Path | None:
    """The night on one page, unless nothing is new or there is nothing to see."""
    from ccdproc_crplugin.report.page import write_report

    page = output / "report.html"
    cleaned = table[table["detector"] != ""]["status"].tolist()
    if "done" not in cleaned and not ("kept" in cleaned and not page.exists()):
        return None
    return write_report(output, page, overwrite=True, progress=functools.partial(progress, desc="report", leave=False))


def _tell_reasons(table: Any) -> None:
    """Name the frames that failed, or were kept for a reason."""
    import numpy as np

    for row in table[np.isin(table["status"], ["failed", "kept"]) & (table["reason"] != "")]:
        say(f"{row['file']}: {row['status']}: {row['reason']}")


@contextmanager
def _executor(address: str | None) -> Iterator[Any]:
    """The workers of a Dask cluster, if one is named."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as err:
        raise UsageError(
            "Found no Dask for --dask; expected it installed. python -m pip install 'ccdproc-crplugin[dask]'"
        ) from err
    try:
        client = Client(address, timeout="20s")
    except (OSError, ValueError) as err:
        raise UsageError(f"Found no Dask scheduler at {address!r} ({err}); expected its address.") from err
    with client:
        yield client.get_executor()


COMMAND = Command(
    "reduce",
    summary="reduce a whole night",
    description="Combine the calibration frames of a night and take its light frames through the steps that a TOML "
    "file names. Run again, it does what is left.",
    add_options=_add_options,
    run=_run,
)
