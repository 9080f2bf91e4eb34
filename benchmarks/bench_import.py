# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What the import and the command line cost: ``python benchmarks/bench_import.py``.

Whole processes, run in turn; processor time (user and system) of each, medians of `RUNS` runs.
"""

import resource
import statistics
import subprocess
import sys
from pathlib import Path

RUNS = 11

COMMANDS = {
    "import ccdproc": [sys.executable, "-P", "-c", "import ccdproc"],
    "import ccdproc, ccdproc_crplugin": [sys.executable, "-P", "-c", "import ccdproc, ccdproc_crplugin"],
    "ccdcr --help": [str(Path(sys.executable).parent / "ccdcr"), "--help"],
}


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    seconds = {name: [] for name in COMMANDS}
    for _ in range(RUNS):
        for name, command in COMMANDS.items():
            seconds[name].append(cpu_seconds(command))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        print(f"{median:6.3f} s  {name}")
    added = medians["import ccdproc, ccdproc_crplugin"] - medians["import ccdproc"]
    print(f"{added:6.3f} s  added by ccdproc_crplugin (at most 0.15)")
    print(f"{medians['ccdcr --help']:6.3f} s  for --help (under 0.3)")


if __name__ == "__main__":
    main()
