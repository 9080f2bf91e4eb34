# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Comparator networks that find a median without a branch.

They are the same for the NumPy engine, which applies a step to whole arrays,
and for the C engine, whose ``src/median_networks.h`` is written from here by
``python -m ccdproc_crplugin.kernels.networks > median_networks.h``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache


def merge_exchange(n: int) -> Iterator[tuple[int, int]]:
    """
    Batcher's merge exchange: pairs of places i < j to put in order, one after the other, which sorts n values.

    Knuth, The Art of Computer Programming, volume 3, algorithm 5.2.2M.
    """
    top = 1
    while 2 * top < n:
        top *= 2
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(n - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


@cache
def median_network(n: int) -> tuple[tuple[str, int, int], ...]:
    """The steps of the sorting network on which the middle value depends: "sort", "smaller" or "larger", i, j."""
    needed = {n // 2}
    steps: list[tuple[str, int, int]] = []
    for i, j in reversed(list(merge_exchange(n))):
        if i in needed and j in needed:
            steps.append(("sort", i, j))
        elif i in needed:
            steps.append(("smaller", i, j))
        elif j in needed:
            steps.append(("larger", j, i))
        else:
            continue
        needed |= {i, j}
    return tuple(reversed(steps))


def _header(sizes: tuple[int, ...] = (5, 7, 9, 25, 49)) -> str:
    """The text of ``median_networks.h``."""
    c_name = {"sort": "sort_pair", "smaller": "keep_smaller", "larger": "keep_larger"}
    lines = [
        "/* Written by kernels/networks.py: change that file, not this one. */",
        "#ifndef CCDCR_MEDIAN_NETWORKS_H",
        "#define CCDCR_MEDIAN_NETWORKS_H",
        "",
        '#include "lanes.h"',
    ]
    for n in sizes:
        steps = median_network(n)
        lines += [
            "",
            f"/* The median of {n} values, {len(steps)} steps: it ends in w[{n // 2}]. */",
            f"INLINED void median_network_{n}(float (*restrict w)[LANES])",
            "{",
            *(f"    {c_name[step]}(w[{i}], w[{j}]);" for step, i, j in steps),
            "}",
        ]
    return "\n".join([*lines, "", "#endif"])


if __name__ == "__main__":
    print(_header())
