# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Charge that ionising particles leave in a CCD: muons, worms and spots.

Every particle is followed through the silicon in steps of about a micron, the energy lost in each step is
turned into electrons, and each electron walks to the gates: it diffuses sideways by an amount that
grows with the depth at which it was set free.

Lengths are in microns and energies in electronvolts throughout; only the image is in pixels.

References
----------
.. [1] S. Navas et al. (Particle Data Group), Phys. Rev. D 110, 030001 (2024), chapters "Passage of
   particles through matter" (most probable loss, multiple scattering) and "Cosmic rays" (muon angles).
.. [2] D. Groom, "Cosmic rays and other nonsense in astronomical CCD imagers", Exp. Astron. 14, 45 (2002):
   muons, Compton worms and spots in thick and thin chips.
.. [3] K. Kanaya and S. Okayama, J. Phys. D 5, 43 (1972): range of electrons in matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ccdproc_crplugin.errors import check_ranges

# Silicon. PDG [1], tables of atomic and nuclear properties.
EV_PER_ELECTRON = 3.65  # mean energy that sets one electron free
LANDAU_WIDTH = 17.83  # eV per micron: (K / 2) (Z / A) rho for a charge of one at full speed
PLASMA_ENERGY = 31.05  # eV
RADIATION_LENGTH = 93_700.0  # micron
ELECTRON_MASS = 510_999.0  # eV
MEAN_LOSS = 390.0  # eV per micron, of a minimum-ionising particle

# The mode of the Landau distribution lies at -0.2228 in units of its width; the stable distribution
# of index 1 becomes Landau's with a scale of pi / 2 and a shift of log(pi / 2).
LANDAU_MODE = -0.2228
LANDAU_SCALE = np.pi / 2

# A loss above this in one step goes to a fast knock-on electron, which carries the rest out of the track.
LARGEST_LOSS = 30e3  # eV

STEP = 1.0  # micron


@dataclass(frozen=True)
class Chip:
    """The silicon of a CCD."""

    thickness: float  # of the silicon that collects charge
    pixel_size: float
    diffusion: (
        float  # standard deviation for charge set free at the back; falls as the root of the distance to the gates
    )

    def __post_init__(self) -> None:
        check_ranges(vars(self), {"thickness": (1, 1e4), "pixel_size": (0.5, 1e3), "diffusion": (0, 1e3)}, {})


# A thinned back-illuminated chip: charge set free in the field-free layer at the back spreads by
# about a third of the thickness. A deep-depletion chip: 6 to 8 micron at its working voltage.
THIN = Chip(thickness=16.0, pixel_size=13.5, diffusion=5.0)
THICK = Chip(thickness=250.0, pixel_size=15.0, diffusion=7.0)


@dataclass(frozen=True)
class Path:
    """A particle's way through the silicon, as points (n,)."""

    x: np.ndarray  # from the corner of the chip's face
    y: np.ndarray
    depth: np.ndarray  # distance from the gates
    electrons: np.ndarray  # mean number set free at each point

    @property
    def length(self) -> float:
        """Length of the path as projected on the chip's face, in microns."""
        return float(np.hypot(np.diff(self.x), np.diff(self.y)).sum())


def energy_loss(n_steps: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """
    Energies (eV) that a fast particle loses in each of ``n_steps`` of ``step`` microns, after Landau [1]_.

    The distribution is stable, so the sum over a path has the right most probable loss for its length: about
    62 electrons per micron in 15 microns of silicon and 77 in 300.
    """
    width = LANDAU_WIDTH * step
    most_probable = width * (np.log(2 * ELECTRON_MASS * width / PLASMA_ENERGY**2) + 0.2)
    landau = stats.levy_stable.rvs(1, 1, scale=LANDAU_SCALE, size=n_steps, random_state=rng)
    landau += np.log(LANDAU_SCALE)
    return np.clip(most_probable + width * (landau - LANDAU_MODE), 0, LARGEST_LOSS)


def muon_direction(tilt: float, rng: np.random.Generator) -> np.ndarray:
    """
    Unit vector (x, y, depth) of a muon that crosses a chip whose normal is ``tilt`` degrees off the zenith.

    The intensity from the sky falls as the square of the cosine of the zenith angle [1]_; the
    number that crosses the chip has one more cosine, to the chip's normal.
    """
    tilt = np.radians(tilt)
    while True:
        cosine = rng.random() ** (1 / 3)
        sine, azimuth = np.sqrt(1 - cosine**2), 2 * np.pi * rng.random()
        from_zenith = np.array([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
        across = from_zenith[2] * np.cos(tilt) + from_zenith[0] * np.sin(tilt)
        if rng.random() < abs(across):
            along = from_zenith[0] * np.cos(tilt) - from_zenith[2] * np.sin(tilt)
            return _turned_about_normal(np.array([along, from_zenith[1], across]), rng)


def _turned_about_normal(direction: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The direction with the chip turned by a random angle in its plane."""
    angle = 2 * np.pi * rng.random()
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y, depth = direction
    return np.array([cosine * x - sine * y, sine * x + cosine * y, depth])


def _muon(chip: Chip, size: np.ndarray, rng: np.random.Generator, tilt: float) -> Path:
    """A straight path through the whole thickness."""
    direction = muon_direction(tilt, rng)
    way = chip.thickness / max(abs(direction[2]), 0.02)
    n_steps = max(int(np.ceil(way / STEP)), 1)
    along = (np.arange(n_steps) + 0.5) * way / n_steps - way / 2
    electrons = energy_loss(n_steps, way / n_steps, rng) / EV_PER_ELECTRON
    x, y = (rng.random(2) * size)[:, np.newaxis] + np.outer(direction[:2], along)
    depth = np.clip(chip.thickness / 2 + direction[2] * along, 0, chip.thickness)
    return Path(x, y, depth, electrons)


def stopping_power(energy: float) -> float:
    """Energy loss (eV per micron) of an electron of some energy (eV), from its range [3]_."""
    kilo = energy / 1e3
    # The range in silicon is 0.032 micron x (energy in keV)^1.67; this is the inverse of its derivative.
    return max(1e3 / (0.0534 * kilo**0.67), MEAN_LOSS)


def scattering_angle(energy: float, step: float) -> float:
    """Typical deflection (radians, at most 1) of an electron (eV) in one step (microns), by Highland's formula [1]_."""
    momentum_speed = energy * (energy + 2 * ELECTRON_MASS) / (energy + ELECTRON_MASS)
    return min(13.6e6 / momentum_speed * np.sqrt(step / RADIATION_LENGTH), 1.0)


def deflected(direction: np.ndarray, angle: float, rng: np.random.Generator) -> np.ndarray:
    """A unit vector turned by normal deviates of this size (radians); from zeros, a random direction."""
    turned = direction + angle * rng.standard_normal(3)
    return turned / np.linalg.norm(turned)


def _worm(chip: Chip, size: np.ndarray, rng: np.random.Generator, tilt: float) -> Path:
    """A Compton electron: a random walk that ends where its energy is spent or where it leaves the chip.

    Energies fall off exponentially with a mean of 250 keV between 30 and 1250 keV, the range of the
    electrons that gamma rays of natural potassium, uranium and thorium set free.
    """
    energy = np.clip(rng.exponential(250e3), 30e3, 1250e3)
    place = np.append(rng.random(2) * size, rng.random() * chip.thickness)
    direction = deflected(np.zeros(3), 1.0, rng)
    points, losses = [], []
    while energy > 0 and 0 <= place[2] <= chip.thickness:
        loss = min(stopping_power(energy) * STEP * rng.uniform(0.6, 1.4), energy)
        points.append(place)
        losses.append(loss)
        direction = deflected(direction, scattering_angle(energy, STEP), rng)
        place = place + STEP * direction
        energy -= loss if energy - loss > 1e3 else energy
    x, y, depth = np.array(points).T
    return Path(x, y, depth, np.array(losses) / EV_PER_ELECTRON)


def _spot(chip: Chip, size: np.ndarray, rng: np.random.Generator, tilt: float) -> Path:
    """A compact deposit, as of an X-ray or a slow electron: 1 to 60 keV at one point, evenly in the logarithm."""
    x, y = rng.random(2) * size
    energy = np.exp(rng.uniform(np.log(1e3), np.log(60e3)))
    depth = rng.random() * chip.thickness
    return Path(*(np.array([value]) for value in (x, y, depth, energy / EV_PER_ELECTRON)))


#: Functions that make a path of each kind, from the chip, its width and height (microns), random numbers and its tilt.
KINDS: dict[str, Callable[[Chip, np.ndarray, np.random.Generator, float], Path]] = {
    "muon": _muon,
    "worm": _worm,
    "spot": _spot,
}


def make_path(kind: str, chip: Chip, shape: Sequence[int], rng: np.random.Generator, tilt: float = 0.0) -> Path:
    """One particle's path through a chip of ``shape`` pixels; ``tilt`` (degrees) matters for muons."""
    size = np.array(shape[::-1]) * chip.pixel_size
    return KINDS[kind](chip, size, rng, tilt)


def charge_image(
    path: Path, chip: Chip, shape: Sequence[int], rng: np.random.Generator
) -> tuple[tuple[slice, slice] | None, np.ndarray]:
    """The part of the frame that a path hits (None if it misses) and the electrons in each pixel of it."""
    electrons = rng.poisson(path.electrons)
    spread = np.repeat(chip.diffusion * np.sqrt(path.depth / chip.thickness), electrons)
    column = _pixel(np.repeat(path.x, electrons), spread, chip, rng)
    row = _pixel(np.repeat(path.y, electrons), spread, chip, rng)
    inside = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    row, column = row[inside], column[inside]
    if row.size == 0:
        return None, np.zeros((0, 0))
    top, left = row.min(), column.min()
    height, width = row.max() - top + 1, column.max() - left + 1
    charge = np.bincount((row - top) * width + column - left, minlength=height * width)
    return (slice(top, top + height), slice(left, left + width)), charge.reshape(height, width).astype(float)


def _pixel(position: np.ndarray, spread: np.ndarray, chip: Chip, rng: np.random.Generator) -> np.ndarray:
    """Pixel numbers in which electrons that start at ``position`` (microns) end."""
    walked = position + spread * rng.standard_normal(position.size)
    return np.floor(walked / chip.pixel_size).astype(int)
