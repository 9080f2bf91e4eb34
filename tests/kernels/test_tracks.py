# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which pieces are one track.
"""

import numpy as np
import pytest

from ccdproc_crplugin.kernels.tracks import LONGEST_BRIDGE, join_tracks

from ..helpers.track_pixels import along, labelled, line_pixels

SHAPE = (1000, 1000)
START = (500, 500)


def tracks(*pieces, charge=None, bad=None, bits=1):
    """The number of tracks of some pieces."""
    y, x, label = labelled(*pieces)
    charge = np.full(len(y), 500.0) if charge is None else charge(label)
    track = join_tracks(y, x, label, charge, SHAPE, bad, bits)
    assert (track <= np.arange(len(track))).all()
    assert (track[track] == track).all()
    return len(np.unique(track[1:]))


def random_pieces(rng, n_long, n_dots):
    """Pieces at random places in random directions."""
    for _ in range(n_long):
        yield line_pixels(rng.random(2) * 1000, rng.uniform(3, 20), rng.random() * 360)
    for _ in range(n_dots):
        x, y = rng.integers(0, 999, 2)
        n = rng.integers(1, 4)
        yield np.array([[y, y, y + 1][:n], [x, x + 1, x][:n]])


class TestPiecesOfOneLine:
    @pytest.mark.parametrize("angle", [15, 45, 70, 100, 160])
    def test_are_one_track(self, angle):
        assert tracks(*along(START, angle, (0, 15), (19, 40))) == 1

    def test_are_one_track_however_many(self):
        assert tracks(*along(START, 30, (0, 15), (18, 25), (28, 29), (31, 50), (54, 80))) == 1

    def test_are_named_by_the_first_of_them(self):
        y, x, label = labelled(*along(START, 60, (0, 15), (19, 40)), line_pixels((100, 100), 5, 20))
        assert join_tracks(y, x, label, np.ones(len(y)), SHAPE).tolist() == [0, 1, 2, 2]

    def test_need_no_charge_that_is_known(self):
        assert tracks(*along(START, 30, (0, 15), (19, 40)), charge=lambda label: np.full(len(label), np.nan)) == 1

    def test_with_a_long_gap_are_two(self):
        assert tracks(*along(START, 30, (0, 30), (55, 90))) == 2

    def test_with_a_gap_longer_than_the_pieces_are_two(self):
        assert tracks(*along(START, 30, (0, 4), (15, 19))) == 2

    def test_of_other_charges_are_two(self):
        assert (
            tracks(*along(START, 30, (0, 15), (19, 40)), charge=lambda label: np.where(label == 1, 100.0, 900.0)) == 2
        )


class TestAGapOfBadPixels:
    def bad(self, columns, dtype=bool, value=True):
        bad = np.zeros(SHAPE, dtype=dtype)
        bad[:, columns] = value
        return bad

    def pieces(self, first, stop, angle=20):
        """A track across some columns."""
        pixels = line_pixels((480, 500), 60, angle)
        return [pixels[:, pixels[1] < first], pixels[:, pixels[1] >= stop]]

    def test_may_be_longer(self):
        bad, pieces = self.bad(slice(495, 520)), self.pieces(495, 520)
        assert (tracks(*pieces), tracks(*pieces, bad=bad)) == (2, 1)

    def test_may_be_given_by_bits_of_flags(self):
        flags, pieces = self.bad(slice(495, 520), np.uint8, 4), self.pieces(495, 520)
        assert (tracks(*pieces, bad=flags, bits=1), tracks(*pieces, bad=flags, bits=6)) == (2, 1)

    def test_has_a_longest_length(self):
        stop = 490 + LONGEST_BRIDGE + 3
        long = [
            line_pixels((450, 500), 40, 20),
            line_pixels((stop, 500 + np.tan(np.radians(20)) * (stop - 450)), 40, 20),
        ]
        assert tracks(*long, bad=self.bad(slice(488, stop))) == 2

    def test_must_lie_between_the_pieces(self):
        assert tracks(*self.pieces(495, 520), bad=self.bad(slice(600, 700))) == 2


class TestTwoTracksStayTwo:
    def test_if_they_are_parallel(self):
        assert tracks(line_pixels(START, 20, 30), line_pixels((500, 505), 20, 30)) == 2

    def test_if_they_are_at_an_angle(self):
        assert tracks(line_pixels(START, 20, 30), line_pixels((520, 511), 20, 60)) == 2

    def test_if_one_is_a_wide_blob(self):
        x, y = np.meshgrid(np.arange(520, 527), np.arange(508, 515))
        assert tracks(line_pixels(START, 20, 30), np.array([y.ravel(), x.ravel()])) == 2

    @pytest.mark.parametrize("angle", [0, 90])
    def test_if_they_lie_in_one_row_or_column_as_a_bad_one_does(self, angle):
        assert tracks(*along(START, angle, (0, 15), (19, 40))) == 2

    def test_if_they_lie_along_rows_with_many_events(self):
        line = along((400, 500), 1.5, (0, 30), (34, 60))
        others = [line_pixels((x, 501), 1, 0) for x in range(5, 300, 30)]
        assert tracks(*line) == 1
        assert tracks(*line, *others) == 2 + len(others)

    def test_if_there_are_many_events_around(self):
        pair, rng = along(START, 30, (0, 4.5), (8, 12)), np.random.default_rng(1)
        crowd = [line_pixels(rng.uniform(430, 570, 2), 4, rng.random() * 360) for _ in range(300)]
        crowd = [one for one in crowd if np.hypot(one[1] - 505, one[0] - 503).min() > 20]
        assert tracks(*pair) == 1
        y, x, label = labelled(*pair, *crowd)
        track = join_tracks(y, x, label, np.full(len(y), 500.0), SHAPE)
        ends = [track[label[(y == one[0, 0]) & (x == one[1, 0])][0]] for one in pair]
        assert ends[0] != ends[1]


class TestDots:
    def test_three_on_a_line_are_one_track(self):
        assert tracks(*along(START, 30, (0, 1), (5, 6), (10, 11))) == 1

    def test_two_are_not(self):
        assert tracks(*along(START, 30, (0, 1), (5, 6))) == 2

    def test_three_at_an_angle_are_not(self):
        assert tracks(*along(START, 30, (0, 1), (5, 6)), line_pixels((508, 498), 1, 0)) == 3

    def test_more_of_them_follow(self):
        assert tracks(*along(START, 30, (0, 1), (5, 6), (10, 11), (15, 16), (20, 21))) == 1


def test_no_pixel_is_no_track():
    nothing = np.zeros(0, dtype=int)
    assert join_tracks(nothing, nothing, nothing, nothing.astype(float), SHAPE).tolist() == [0]


def test_one_piece_is_one_track():
    assert tracks(line_pixels(START, 20, 30)) == 1


@pytest.mark.parametrize(("n_long", "n_dots"), [(60, 140), (400, 600), (1600, 2400)])
def test_unrelated_pieces_are_joined_less_than_once_in_a_thousand(n_long, n_dots):
    n_joined = n_pieces = 0
    for seed in range(4):
        y, x, label = labelled(*random_pieces(np.random.default_rng(seed), n_long, n_dots))
        track = join_tracks(y, x, label, np.full(len(y), 500.0), SHAPE)
        n_pieces += len(track) - 1
        n_joined += len(track) - len(np.unique(track))
    assert n_joined <= n_pieces / 1000
