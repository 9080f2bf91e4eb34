# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Careless or hostile callers, plugins and files: wrong input is refused or does no harm.
"""

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, StdDevUncertainty, UnknownUncertainty, VarianceUncertainty

import ccdproc_crplugin as crp
from ccdproc_crplugin import CosmicRayError, PixelFlag

from ..helpers.hit_frames import hit_frame, same_bits


class TestCallers:
    def test_a_second_cleaning_never_takes_a_removed_pixel_again(self, ccd, cleaned):
        cleaned.mask = None
        again = crp.clean_cosmic_rays(cleaned, "median", thresh=0.01, max_fraction=1, preflight="off", force=True)
        assert same_bits(crp.restore_cosmic_rays(again).data, ccd.data)

    def test_cosmic_rays_everywhere_are_refused(self, ccd):
        with pytest.raises(CosmicRayError, match="every good pixel"):
            crp.clean_cosmic_rays(ccd, "median", gbox=1000)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize(
        ("detector", "name"), [("lacosmic", "sigclip"), ("astroscrappy", "objlim"), ("median", "thresh")]
    )
    def test_thresholds_that_are_not_finite_are_refused(self, ccd, detector, name, value):
        with pytest.raises(CosmicRayError, match=f"{name}=.*expected a finite number"):
            crp.clean_cosmic_rays(ccd, detector, **{name: value})

    def test_half_precision_is_computed_in_single(self):
        ccd = hit_frame("float16")
        ccd.data[5:8, 5:8] = 40000
        assert not np.any(crp.clean_cosmic_rays(ccd, gain=2.0).flags & PixelFlag.BAD)

    def test_magnitudes_are_not_adu(self):
        ccd = CCDData(np.full((20, 20), 9.0), unit=u.mag(u.adu), meta={"GAIN": 2, "RDNOISE": 5})
        with pytest.raises(CosmicRayError, match="expected adu or electron"):
            crp.clean_cosmic_rays(ccd)

    @pytest.mark.parametrize("unit", ["DN", "count", "adu", "electron"])
    def test_every_unit_that_is_cleaned_survives_a_file(self, tmp_path, unit):
        ccd = CCDData(hit_frame().data, unit=unit)
        gain = {} if unit == "electron" else {"gain": 2}
        path = crp.write_ccd(crp.clean_cosmic_rays(ccd, readnoise=5, preflight="off", **gain), tmp_path / "frame.fits")
        restored = crp.read_ccd(path).restore_cosmic_rays()
        np.testing.assert_array_equal(restored.data, ccd.data)
        assert restored.unit == ccd.unit

    def test_no_card_of_an_earlier_cleaning_stays(self, cleaned):
        again = crp.clean_cosmic_rays(cleaned, "median", force=True)
        assert "CRSIGCLP" not in again.meta

    def test_another_type_of_uncertainty_is_noticed(self, ccd):
        ccd.uncertainty = StdDevUncertainty(np.full(ccd.shape, 10.0))
        cleaned = crp.clean_cosmic_rays(ccd)
        cleaned.uncertainty = VarianceUncertainty(cleaned.uncertainty.array**2)
        with pytest.raises(CosmicRayError, match="type 'var' where the cleaning left one of type 'std'"):
            crp.restore_cosmic_rays(cleaned)

    @pytest.mark.parametrize("array", [5.0, np.ones(3)])
    def test_an_odd_uncertainty_is_carried(self, ccd, array):
        ccd.uncertainty = UnknownUncertainty(array)
        np.testing.assert_array_equal(crp.clean_cosmic_rays(ccd).uncertainty.array, array)

    def test_a_mask_that_was_taken_away_is_no_hindrance(self, ccd, cleaned):
        cleaned.mask = None
        assert crp.restore_cosmic_rays(cleaned, labels=1).data[10, 12] == ccd.data[10, 12]
        assert same_bits(crp.restore_cosmic_rays(cleaned).data, ccd.data)

    def test_a_truth_value_in_the_header_is_no_gain(self):
        with pytest.raises(CosmicRayError, match="no gain"):
            crp.clean_cosmic_rays(hit_frame(meta={"GAIN": True, "RDNOISE": 5}))

    def test_a_broken_card_says_nothing(self, ccd):
        cards = ("GAIN    = 2.0", "RDNOISE = 5.0", "EGAIN   = 1.2.3.4", "END")
        ccd.meta = fits.Header.fromstring("".join(card.ljust(80) for card in cards))
        assert crp.clean_cosmic_rays(ccd).header["CRGAIN"] == 2.0

    def test_a_keyword_that_is_not_there_is_named(self, ccd):
        from ccdproc import Keyword

        with pytest.raises(CosmicRayError, match="no 'NOPE' in the header"):
            crp.clean_cosmic_rays(ccd, gain=Keyword("NOPE", unit=u.electron / u.adu))

    @pytest.mark.parametrize(
        "call",
        [
            lambda: crp.restore_cosmic_rays(np.zeros((5, 5))),
            lambda: crp.restore_cosmic_rays(None),
            lambda: crp.write_ccd(np.zeros((5, 5)), "frame.fits"),
            lambda: crp.write_ccd(hit_frame(), None),
            lambda: crp.read_ccd(None),
            lambda: crp.clean_cosmic_rays(hit_frame(), repair=np.array(["meanmask", "x"])),
            lambda: crp.cr_preflight(hit_frame(), policy=np.array(["warn", "x"])),
            lambda: crp.cr_segments(hit_frame(), connectivity=np.array([4, 8])),
            lambda: crp.restore_cosmic_rays(crp.clean_cosmic_rays(hit_frame()), labels=[[1], [2, 3]]),
            lambda: crp.cr_segments(hit_frame()).cutouts(labels=["a"]),
            lambda: crp.cr_segments(hit_frame()).cutouts(labels=[1.7]),
        ],
    )
    def test_what_is_of_the_wrong_type_is_refused(self, call):
        with pytest.raises(CosmicRayError, match="Found"):
            call()


class TestFiles:
    @pytest.fixture
    def edited(self, tmp_path, cleaned):
        """Edits the table of removed pixels of a file and reads it again."""

        def edit(change):
            path = crp.write_ccd(cleaned, tmp_path / "frame.fits")
            with fits.open(path, mode="update") as hdus:
                change(hdus["CRPIXELS"])
            return crp.read_ccd(path)

        return edit

    @pytest.mark.parametrize("text", ["O", "U5", "c16", "V8", "i4,f4", "(2,)f4", "__import__('os')", "M8[s]"])
    def test_a_dtype_that_is_none_of_numbers_is_refused(self, edited, text):
        with pytest.raises(CosmicRayError, match="in CRPIXELS; expected one of numbers"):
            edited(lambda hdu: hdu.header.set("CRDTYPE", text))

    @pytest.mark.parametrize(("column", "value"), [("y", -1), ("y", 10**6), ("x", -40), ("label", 0), ("label", 99)])
    def test_rows_that_do_not_fit_the_frame_are_refused(self, edited, column, value):
        def change(hdu):
            hdu.data[column][0] = value

        with pytest.raises(CosmicRayError, match="CRPIXELS that does not fit the frame"):
            edited(change)

    def test_rows_in_another_order_are_refused(self, edited):
        def change(hdu):
            hdu.data[:] = hdu.data[::-1].copy()

        with pytest.raises(CosmicRayError, match="does not fit"):
            edited(change)

    @pytest.mark.parametrize("name", ["UNCERT", "MASK", "PSFIMAGE", "CRFLAGS", "CRPIXELS"])
    def test_the_name_of_the_frame_is_not_taken_for_that_of_an_extension(self, tmp_path, ccd, name):
        ccd.meta["EXTNAME"] = name
        read = crp.read_ccd(crp.write_ccd(crp.clean_cosmic_rays(ccd), tmp_path / "frame.fits"))
        assert read.uncertainty is None
        assert read.psf is None
        np.testing.assert_array_equal(read.restore_cosmic_rays().data, ccd.data)

    def test_a_mask_is_not_taken_for_the_frame(self, tmp_path):
        hdus = [
            fits.PrimaryHDU(),
            fits.ImageHDU(np.zeros((9, 8), "u1"), name="MASK"),
            fits.ImageHDU(np.ones((9, 8), "i2")),
        ]
        fits.HDUList(hdus).writeto(tmp_path / "frame.fits")
        assert crp.read_ccd(tmp_path / "frame.fits").data[0, 0] == 1

    def test_a_name_as_long_as_the_system_takes_can_be_written(self, tmp_path, cleaned):
        assert crp.write_ccd(cleaned, tmp_path / ("n" * 250 + ".fits")).exists()

    def test_the_ending_counts_in_any_case(self, tmp_path, cleaned):
        assert crp.write_ccd(cleaned, tmp_path / "FRAME.FITS.GZ").read_bytes().startswith(b"\x1f\x8b")

    @pytest.mark.parametrize("key", ["THING", "NAXIS1"])
    def test_a_card_that_fits_cannot_hold_is_refused(self, tmp_path, ccd, key):
        ccd.meta[key] = object()
        with pytest.raises(CosmicRayError, match="FITS can't hold"):
            crp.write_ccd(ccd, tmp_path / "frame.fits")


class TestPlugins:
    @pytest.fixture
    def register(self):
        from types import SimpleNamespace

        from ccdproc_crplugin import plugins

        def add(name, function):
            function.__name__ = name
            plugins.register(SimpleNamespace(**{name: crp.hookimpl(function)}), "hostile")

        yield add
        plugins.unregister("hostile")

    @pytest.mark.parametrize("part", ["data", "mask"])
    def test_a_refinement_cannot_write_to_the_frame(self, register, ccd, part):
        def write(ccd):
            getattr(ccd, part)[:] = 0

        ccd.mask = np.zeros(ccd.shape, dtype=bool)
        register("ccdcr_refine", write)
        with pytest.raises(CosmicRayError, match="read-only"):
            crp.clean_cosmic_rays(ccd)

    def test_a_check_cannot_write_to_the_frame(self, register, ccd):
        def run(ccd, *, gain, readnoise, dark):
            ccd.data.fill(0)

        register("ccdcr_checks", lambda: [crp.Check("writer", "", run)])
        with pytest.warns(crp.PreflightWarning, match="read-only"):
            assert crp.clean_cosmic_rays(ccd).meta["CRNPIX"] == 8

    def test_an_observer_cannot_write_to_the_result(self, register, ccd):
        def write(ccd):
            ccd.meta.clear()
            ccd.data[:] = 0

        register("ccdcr_cleaned", write)
        with pytest.warns(crp.PluginWarning, match="read-only"):
            assert crp.clean_cosmic_rays(ccd).meta["CRNPIX"] == 8

    @pytest.mark.parametrize("info", [None, [1, 2]])
    def test_info_that_is_no_dictionary_is_refused(self, register, ccd, info):
        def detect(data, *, mask, variance, readnoise, saturation):
            return crp.Detection(data > 1e9, info=info)

        register("ccdcr_detectors", lambda: [crp.Detector("theirs", "", detect)])
        with pytest.raises(CosmicRayError, match="info of type"):
            crp.clean_cosmic_rays(ccd, "theirs")

    def test_what_a_detector_tells_does_not_hide_the_noise_used(self, register, ccd):
        def detect(data, *, mask, variance, readnoise, saturation):
            return crp.Detection(data > 1e9, info={"gain": 999})

        register("ccdcr_detectors", lambda: [crp.Detector("theirs", "", detect)])
        assert "gain=2.0" in crp.clean_cosmic_rays(ccd, "theirs").meta["HISTORY"]

    def test_a_matrix_will_do_as_a_mask(self, register, ccd):
        def detect(data, *, mask, variance, readnoise, saturation):
            return crp.Detection((data > 1500).view(np.matrix))

        register("ccdcr_detectors", lambda: [crp.Detector("theirs", "", detect)])
        assert crp.clean_cosmic_rays(ccd, "theirs").meta["CRNPIX"] == 8

    def test_a_detector_without_a_signature_costs_a_warning(self, register):
        with pytest.warns(crp.PluginWarning, match="'hostile'"):
            register("ccdcr_detectors", lambda: [crp.Detector("theirs", "", min)])
