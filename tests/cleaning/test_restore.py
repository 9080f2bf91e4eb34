# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Put back removed values: all of them or event by event, after a pickle, a deep copy and a file.
"""

import copy
import pickle

import numpy as np
import pytest
from astropy.nddata import FlagCollection, InverseVariance, StdDevUncertainty, VarianceUncertainty
from hypothesis import given, settings
from hypothesis import strategies as st

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError

from ..helpers.hit_frames import assert_same_frame, hit_frame, hit_mask, rich_frame, same_bits

# An uncertainty as small as those here is carried, but not used as the noise.
pytestmark = pytest.mark.filterwarnings("ignore:Found an uncertainty")


def through_pickle(ccd, folder):
    return pickle.loads(pickle.dumps(ccd))


def through_deepcopy(ccd, folder):
    return copy.deepcopy(ccd)


def through_file(ccd, folder, ending=".fits"):
    return crp.read_ccd(crp.write_ccd(ccd, folder / f"frame{ending}"))


def through_gzip(ccd, folder):
    return through_file(ccd, folder, ".fits.gz")


def through_fpack(ccd, folder):
    return through_file(ccd, folder, ".fits.fz")


JOURNEYS = [through_pickle, through_deepcopy, through_file, through_gzip, through_fpack]


class TestEverything:
    def test_the_input_comes_back_bit_for_bit(self, ccd, cleaned):
        assert_same_frame(crp.restore_cosmic_rays(cleaned), ccd)

    @pytest.mark.parametrize("kind", [StdDevUncertainty, VarianceUncertainty, InverseVariance])
    def test_so_do_mask_flags_and_uncertainty(self, kind):
        ccd = rich_frame(uncertainty=kind)
        assert_same_frame(crp.restore_cosmic_rays(crp.clean_cosmic_rays(ccd)), ccd)

    def test_so_does_a_collection_of_flags(self, ccd):
        ccd.flags = FlagCollection(shape=ccd.shape)
        ccd.flags["linearity"] = np.ones(ccd.shape, dtype=np.int16)
        restored = crp.restore_cosmic_rays(crp.clean_cosmic_rays(ccd))
        assert same_bits(restored.flags["linearity"], ccd.flags["linearity"])

    def test_so_does_an_uncertainty_of_integers(self, ccd):
        ccd.uncertainty = StdDevUncertainty(np.full(ccd.shape, 1, dtype=np.int16))
        assert_same_frame(crp.restore_cosmic_rays(crp.clean_cosmic_rays(ccd)), ccd)

    @pytest.mark.parametrize("journey", JOURNEYS)
    def test_it_works_after_a_journey(self, tmp_path, journey):
        ccd = rich_frame()
        assert_same_frame(crp.restore_cosmic_rays(journey(crp.clean_cosmic_rays(ccd), tmp_path)), ccd)

    @pytest.mark.parametrize("journey", JOURNEYS)
    def test_a_frame_without_cosmic_rays_gets_its_dtype_back(self, tmp_path, journey):
        ccd = hit_frame("uint16")
        ccd.data[:] = 200
        assert_same_frame(crp.restore_cosmic_rays(journey(crp.clean_cosmic_rays(ccd), tmp_path)), ccd)

    def test_the_header_says_so_and_the_frame_can_be_cleaned_again(self, saao):
        restored = saao.clean_cosmic_rays().restore_cosmic_rays()
        assert "CRDETECT" not in restored.header
        n_pixels = saao.clean_cosmic_rays().header["CRNPIX"]
        history = "".join(restored.header["HISTORY"])
        assert f"restore_cosmic_rays(): {n_pixels} of {n_pixels} pixels put back" in history
        assert restored.clean_cosmic_rays().header["CRNPIX"] == n_pixels

    def test_the_cleaned_frame_is_left_alone(self, cleaned):
        before = copy.deepcopy(cleaned)
        crp.restore_cosmic_rays(cleaned)
        assert same_bits(cleaned.data, before.data)
        assert same_bits(cleaned.mask, before.mask)
        assert cleaned.meta == before.meta
        assert_same_frame(crp.restore_cosmic_rays(cleaned), hit_frame())


class TestEventByEvent:
    def test_the_labels_are_those_of_the_segments(self, ccd, cleaned):
        segments = crp.cr_segments(cleaned)
        for label in range(1, len(segments) + 1):
            restored = crp.restore_cosmic_rays(cleaned, labels=label)
            here = segments.data == label
            np.testing.assert_array_equal(restored.data[here], ccd.data[here])
            np.testing.assert_array_equal(restored.data[~here], cleaned.data[~here])
            np.testing.assert_array_equal(restored.mask, cleaned.mask & ~here)
            np.testing.assert_array_equal((restored.flags & 1) != 0, cleaned.mask & ~here)

    def test_the_uncertainty_of_that_event_comes_back(self):
        ccd = rich_frame("float32")
        cleaned = crp.clean_cosmic_rays(ccd)
        restored = crp.restore_cosmic_rays(cleaned, labels=[1])
        here = crp.cr_segments(cleaned).data == 1
        assert np.all(restored.uncertainty.array[here] == np.float32(0.7))
        assert np.all(restored.uncertainty.array[hit_mask() & ~here] > 0.7)

    def test_the_counts_in_the_header_follow(self, cleaned):
        restored = crp.restore_cosmic_rays(cleaned, labels=[1, 3])
        assert (restored.meta["CRNPIX"], restored.meta["CRNEVENT"]) == (6, 1)

    def test_the_rest_can_be_restored_later(self, ccd, cleaned):
        step = crp.restore_cosmic_rays(cleaned, labels=2)
        assert_same_frame(crp.restore_cosmic_rays(step), ccd)

    def test_a_mask_will_do(self, ccd, cleaned):
        region = np.zeros(ccd.shape, dtype=bool)
        region[5:15, 5:15] = True
        restored = crp.restore_cosmic_rays(cleaned, mask=region)
        assert restored.data[10, 12] == ccd.data[10, 12]
        assert restored.meta["CRNEVENT"] == 2

    def test_no_label_restores_nothing(self, cleaned):
        restored = crp.restore_cosmic_rays(cleaned, labels=[])
        assert same_bits(restored.data, cleaned.data)
        assert restored.meta["CRNEVENT"] == 3

    def test_it_works_after_a_file(self, tmp_path, cleaned):
        read = through_file(cleaned, tmp_path)
        a = crp.restore_cosmic_rays(read, labels=2)
        b = crp.restore_cosmic_rays(cleaned, labels=2)
        np.testing.assert_array_equal(a.data, b.data)

    def test_integers_stay_floating_point_until_all_is_back(self):
        cleaned = crp.clean_cosmic_rays(hit_frame("uint16"))
        assert crp.restore_cosmic_rays(cleaned, labels=1).data.dtype == np.float32


class TestRefusals:
    @pytest.mark.parametrize(
        "change",
        [
            lambda ccd: ccd[5:20, 5:20],
            lambda ccd: ccd.copy(),
            lambda ccd: ccd.multiply(2, handle_meta="first_found"),
            lambda ccd: ccd.multiply(2),
        ],
        ids=["slice", "copy", "arithmetic", "arithmetic without header"],
    )
    def test_a_frame_that_lost_the_values_says_so(self, cleaned, change):
        with pytest.raises(CosmicRayError, match=r"does not carry the removed values|result of arithmetic"):
            crp.restore_cosmic_rays(change(cleaned))

    def test_a_file_read_without_the_values_names_read_ccd(self, tmp_path, cleaned):
        from astropy.nddata import fits_ccddata_reader

        path = crp.write_ccd(cleaned, tmp_path / "frame.fits")
        with pytest.raises(CosmicRayError, match="read_ccd"):
            fits_ccddata_reader(path).restore_cosmic_rays()

    def test_a_frame_that_was_never_cleaned_says_so(self, ccd):
        with pytest.raises(CosmicRayError, match="was not cleaned"):
            crp.restore_cosmic_rays(ccd)

    def test_changed_data_are_not_mixed_with_old_values(self, cleaned):
        cleaned.data *= 2
        with pytest.raises(CosmicRayError, match="other values at the repaired pixels"):
            crp.restore_cosmic_rays(cleaned)

    def test_a_changed_unit_is_noticed(self, cleaned):
        cleaned.unit = "electron"
        with pytest.raises(CosmicRayError, match="electron whose removed values are in adu"):
            crp.restore_cosmic_rays(cleaned)

    def test_a_changed_shape_is_noticed(self, cleaned):
        cleaned.data = cleaned.data[:20]
        with pytest.raises(CosmicRayError, match=r"mask of shape|other values"):
            crp.restore_cosmic_rays(cleaned)

    def test_integers_are_not_made_of_changed_values(self):
        cleaned = crp.clean_cosmic_rays(hit_frame("uint16"))
        cleaned.data[0, 0] = 0.5
        with pytest.raises(CosmicRayError, match="no longer fit uint16"):
            crp.restore_cosmic_rays(cleaned)

    @pytest.mark.parametrize(
        ("keywords", "message"),
        [
            ({"labels": 9}, "label 9; expected labels from 1 to 3"),
            ({"labels": [1, 0]}, "label 0"),
            ({"labels": [1.5]}, "whole numbers"),
            ({"labels": ["a"]}, "whole numbers"),
            ({"labels": 1.0}, "whole numbers"),
            ({"labels": True}, "whole numbers"),
            ({"mask": np.zeros((50, 60))}, "expected bool"),
            ({"mask": np.zeros((5, 6), dtype=bool)}, "expected bool and"),
            ({"mask": np.eye(50, 60, dtype=bool)}, "no removed pixel in it"),
            ({"labels": 1, "mask": hit_mask()}, "both labels and mask"),
        ],
    )
    def test_wrong_selections_are_refused(self, cleaned, keywords, message):
        with pytest.raises(CosmicRayError, match=message):
            crp.restore_cosmic_rays(cleaned, **keywords)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from(["uint16", "float32", ">f8", "int32"]))
def test_restoring_the_events_in_any_order_gives_back_the_frame(seed, dtype):
    rng = np.random.default_rng(seed)
    ccd = hit_frame(dtype)
    hits = rng.integers(5, 45, (2, 15))
    ccd.data[hits[0], hits[1]] = 4000
    frame = crp.clean_cosmic_rays(ccd)
    while frame.meta.get("CRNEVENT"):
        n_events = frame.meta["CRNEVENT"]
        frame = crp.restore_cosmic_rays(frame, labels=rng.integers(1, n_events + 1, rng.integers(1, n_events + 1)))
    assert_same_frame(frame, ccd)
