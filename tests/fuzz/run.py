# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Damaged files given to the commands, as many as one likes: ``python -m tests.fuzz.run 5000 [--start SEED]``.

Each seed makes one file. A traceback, more than 10 s or more than 1 GB of further memory is a failure, whose seed is
printed; ``python -m tests.fuzz.run 1 --start SEED`` repeats it.
"""

import argparse
import contextlib
import io
import resource
import signal
import sys
import tempfile
import traceback
from pathlib import Path

import numpy as np
from astropy.io import fits

from ccdproc_crplugin.cli import main

from .mutations import frames, mutated

SECONDS, MEMORY = 10, 1 << 30

#: Words that only a program understands.
INTERNAL = (
    "Traceback",
    "VerifyError",
    "KeyError",
    "IndexError",
    "TypeError",
    "AttributeError",
    "object at 0x",
    "_ValidHDU",
)

#: The commands that are tried on every file, with the names of the file and of a folder to write to.
COMMANDS = (
    "clean {file} -o {folder}/cleaned --any-kind --gain 1.5 --readnoise 5 --unit adu --quiet",
    "check {file} --unit adu",
    "segments {file} --unit adu --gain 1.5 --readnoise 5 -o {folder}/events.ecsv",
    "restore {file} {folder}/restored.fits",
    "combine {file} {good} -o {folder}/calibration --quiet",
    "compare {file} {file}",
)


class TooLong(BaseException):
    """A command took too long."""


def _stop(*_):
    raise TooLong


def faults_of(seed: int, originals: dict[str, bytes]) -> list[str]:
    """What goes wrong with the file that a seed makes, a line for each command; nothing if all is well."""
    rng = np.random.default_rng(seed)
    name = sorted(originals)[rng.integers(len(originals))]
    content = mutated(originals[name], rng)
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        file, good = Path(folder) / "damaged.fits", Path(folder) / "good.fits"
        file.write_bytes(content)
        good.write_bytes(originals["bias.fits"])
        for command in COMMANDS:
            words = command.format(file=file, good=good, folder=folder).split()
            problem = _problem(words) or _unsound(Path(folder), {file, good})
            if problem:
                faults.append(f"seed {seed} ({name}): ccdcr {words[0]}: {problem}")
        if file.read_bytes() != content:
            faults.append(f"seed {seed} ({name}): the input was changed")
    return faults


def _problem(words: list[str]) -> str:
    """What is wrong with the run of a command."""
    said = io.StringIO()
    before = _memory()
    signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main(words)
    except TooLong:
        return f"more than {SECONDS} s"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    if _memory() - before > MEMORY:
        return "more than 1 GB of memory"
    words_inside = [word for word in INTERNAL if word in said.getvalue()]
    return f"{words_inside[0]} in {said.getvalue()!r}" if words_inside else ""


def _unsound(folder: Path, inputs: set[Path]) -> str:
    """What is wrong with the files that a command wrote; they are removed."""
    for path in folder.rglob("*"):
        if path.is_file() and path not in inputs:
            try:
                if path.suffix == ".fits":
                    with fits.open(path) as hdus:
                        hdus.verify("exception")
            except Exception as err:
                return f"wrote {path.name}, which can't be read: {err}"
            finally:
                path.unlink()
    return ""


def _memory() -> int:
    """The most memory that this process has had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def run(args: list[str] | None = None) -> int:
    """Try many seeds; return 1 if something went wrong."""
    parser = argparse.ArgumentParser(description="Give damaged files to the commands.")
    parser.add_argument("number", type=int, help="files to try")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    chosen = parser.parse_args(args)
    originals, n_bad = frames(), 0
    for seed in range(chosen.start, chosen.start + chosen.number):
        for fault in faults_of(seed, originals):
            print(fault, flush=True)
            n_bad += 1
    print(f"{chosen.number} files, {n_bad} failures")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(run())
