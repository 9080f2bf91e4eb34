# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built-in dialects of headers: one that holds for every header, and those of cameras whose cards mean something else.

The keywords were collected from headers; where a page of documentation defines one, it is named.
"""

from __future__ import annotations

from collections.abc import Iterator

from ccdproc_crplugin.plugins.hookspecs import hookimpl
from ccdproc_crplugin.plugins.model import Dialect


def _table(rows: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(entry.strip() for entry in entries.split(",")) for name, entries in rows.items()}


_COMMON = Dialect(
    "common",
    "most cameras, observatories and programs",
    keywords=_table(
        {
            "kind": (
                "IMAGETYP, IMAGETYPE, OBSTYPE, FRAMETYP, FRAME, ESO DPR TYPE, EXPTYPE, IMGTYPE, DATA-TYP, PICTTYPE, "
                "OBSMODE, ESO GEN EXPO TYPE, ESO DPR CATG"
            ),
            "object": "OBJECT, FIELD, TARGNAME, TITLE",
            "name": "FILENAME, ORIGFILE, IRAFNAME, ORIGNAME",
            "unit": "BUNIT",
            # What GAIN means depends on the camera: amateur software writes the sensor's setting there and electron/adu
            # in EGAIN; at ESO, GAIN is adu/electron and CONAD electron/adu.
            "gain": ("EGAIN, ESO DET OUT1 CONAD, CONAD, CCDGAIN, GAIN, GAIN1, ADCGAIN, ATODGAIN, GAINEFF, E-GAIN"),
            "readnoise": (
                "RDNOISE, READNOIS, READNOISE, RON, ENOISE, RDNOIS, RDNOISE1, READNSE, ESO DET OUT1 RON, NOISE"
            ),
            # DATAMAX is the largest value of the data, except where it is said to be more.
            "saturation": (
                "SATURATE, SATLEVEL, SATURAT, SATUR, SATURATI, MAXLIN, NONLINEA, SATULEVEL, DATAMAX / *satur*"
            ),
            # What to add to get a level of zero without light, so that a pedestal stands there with a minus.
            "pedestal": "PEDESTAL",
            "exposure": "EXPTIME, EFFEXPTM, EXPOSURE, EXPOSED, EXP_TIME, ITIME, EXPOTIME, TEXP, XPOSURE, TELAPSE",
            # The measured temperature goes before the set point.
            "temperature": (
                "CCD-TEMP, CCDTEMP, DET-TEMP, DETTEMP, TEMPDET, CCD_TEMP, TEMPCCD, CAMTEMP, TEMPERAT, "
                "ESO DET CHIP1 TEMP, ESO DET TEMPMEAN, SET-TEMP"
            ),
            "pixel_size": (
                "XPIXSZ, PIXSIZE1, PIXSIZE, PIXSIZEX, XPIXELSZ, CCDXPIXE, DETPXSZ, PIXELSZ, ESO DET CHIP1 PSZX, "
                "ESO DET PIXSIZE"
            ),
            "altitude": (
                "OBSGEO-H, ESO TEL GEOELEV, ESO TEL ALTITUDE, SITEELEV, OBSALT, ALT-OBS, OBS-ELEV, ELEV-OBS, OBSELEV, "
                "HEIGHT, SITEALT, GEOELEV, ELEVATIO / *site*, GNDLEVL"
            ),
            # All wheels of a camera count.
            "filter": (
                "FILTER, FILTER#, FILTER0#, FILTNAM, FILTNAM#, FILTERID, INSFILTE, FILTERS, FILT, FILT#NAM, FILTNM#, "
                "ESO INS FILT# NAME, ALFLTNM, FAFLTNM, FBFLTNM, ISIFILTA, ISIFILTB, WFFBAND, ACAMWH#, DWFILNAM, "
                "BLUFILT, REDFILT, BLFILT_N, RDFILT_N, LOFILT_N, UPFILT_N, USFILT_N"
            ),
            "disperser": (
                "GRATING, GRISM, DISPERSR, DISPNAME, DISPELEM, GRATNAME, GRISNAME, GRANAME, GRATID, OPT_ELEM, ALGRNM, "
                "ISIGRAT, GRATNG_N, GRISM_N, DGRNAM, GRISTNAM, ESO INS GRIS# NAME, ESO INS GRAT# NAME"
            ),
            "slit": (
                "SLIT, SLITNAME, SLITID, SLIT_N, SLITMASK, MASKNAME, SLMSKNAM, ALAPRTNM, DECKER, DECKER_N, DECKNAME, "
                "SLITWID, SLITW, SLIT_WID, ISISLITW, SLWIDTH, ESO INS SLIT NAME, ESO INS SLIT# NAME, ESO INS SLIT# WID"
            ),
            "central_wavelength": "CENWAVE, CENWAV, CENWLEN, GRWLEN, CWAVELEN, WAVELENG, ESO INS GRAT# WLEN, GRTILT_P",
            # Both factors in one card, or a card for each axis.
            "binning": "CCDSUM, BINNING, CCDBIN",
            "binning_in_x": "XBINNING, CCDXBIN, CCDBIN1, BINX, XBIN, BIN1, ESO DET WIN1 BINX, ESO DET BINX",
            "binning_in_y": "YBINNING, CCDYBIN, CCDBIN2, BINY, YBIN, BIN2, ESO DET WIN1 BINY, ESO DET BINY",
            # What tells one camera, chip, amplifier or setting from another. Several may stand in one header.
            "camera": "INSTRUME, CAMERA, CAMNAME, CAMERAID, CAMID, CAMSN",
            "detector": (
                "DETECTOR, DETNAM, DETNAME, CCDNAME, CCDID, CCDNUM, CCDCHIP, CHIPID, DSENSOR, EXTNAME, ESO DET CHIP# ID"
            ),
            "amplifier": "CCDAMP, AMPNAME, AMPLIFIE, AMPLIF, AMPID, AMPLIST, AMP, ESO DET OUT# ID",
            "readout_mode": (
                "READOUTM, READMODE, ESO DET READ CURNAME, CCDSPEED, ROSPEED, RDSPEED, RDMODE, READPATT, SAMP_SEQ, "
                "READOUT, READ-SPD, SPEED, ESO DET MODE"
            ),
            "gain_setting": "ISO, ISOSPEED, CAMGAIN, CAM-GAIN, GAINMODE",
            "offset": "OFFSET, BLKLEVEL, BLACKLVL, CAMOFFS",
            "bit_depth": "BITDEPTH, BITCAM, ADCBITS, ESO DET BITS",
            "overscan": "BIASSEC, BIASSEC1, OVERSEC, OVRSEC, OSCANSEC",
            "overscan_columns": "COVER",
            "overscan_rows": "ROVER",
            "trim": "TRIMSEC, DATASEC",
        }
    ),
    ignored=_table(
        {
            "gain": "GAIN / *index*, GAIN / *setting*, CCDGAIN / *setting*, GAIN / *internal*",
            "exposure": "EXPOSURE / *request*, EXPOSURE / *number*, EXPOSED / *number*",
            "offset": "OFFSET / *arcsec*, OFFSET / *telescope*, OFFSET / *focus*",
        }
    ),
    kinds=_table(
        {
            "bias": "bias, biasframe, biases, zero, zeroframe, offset, offsetframe, masterbias, superbias, masterzero",
            # The darks of flats have the exposure of the flats, and are combined by it like all darks.
            "dark": (
                "dark, darkframe, masterdark, darkflat, flatdark, darkforflat, darkflatframe, flatdarkframe, "
                "domedark, darkdome"
            ),
            "flat": (
                "flat, flatfield, flatframe, skyflat, flatsky, twilightflat, twiflat, flattwilight, twilight, "
                "twilightsky, skytwilight, duskflat, dawnflat, morningflat, eveningflat, domeflat, flatdome, dome, "
                "lampflat, flatlamp, dflat, sflat, tflat, pflat, internalflat, pixelflat, slitlessflat, flatdither, "
                "masterflat, superflat, illumination, illum"
            ),
            "arc": (
                "arc, comp, comparison, lamp, wave, wavelamp, arclamp, lamparc, complamp, "
                "cuar, hene, henear, thar, cuneon, cune, hgar, hgne, hgcd, fear, xenon, neon, argon, arklamp"
            ),
            "focus": "focus, focusing, focussing, focusframe, focusrun, focustest, hartmann",
            "light": (
                "light, lightframe, object, objectframe, science, scienceframe, sci, target, sky, std, standard, "
                "exposure, expose, obj"
            ),
        }
    ),
    units=_table(
        {
            "adu": "adu, adus, massaged data value, massaged data values, raw",
            "count": "count, counts, cts, ct",
            "DN": "dn, dns, data number, data numbers",
            "electron": "e, e-, electron, electrons, photoelectron, photoelectrons",
            "s": "s, sec, secs, second, seconds",
            "ms": "ms, msec, millisecond, milliseconds",
            "us": "us, usec, microsecond, microseconds",
            "min": "min, minute, minutes",
            "h": "h, hr, hour, hours",
            "d": "d, day, days",
            "deg_C": "c, degc, deg c, degreec, degreesc, degrees c, celsius, centigrade, degcelsius, degreescelsius",
            "K": "k, kelvin, kelvins, deg k, degrees k",
            "micron": "um, micron, microns, micrometer, micrometers, micrometre",
            "mm": "mm, millimeter, millimeters, millimetre",
            "m": "m, meter, meters, metre, metres",
            "km": "km, kilometer, kilometers, kilometre",
        }
    ),
    corrections=_table(
        {
            # ccdproc's short and long names, IRAF's (NOAO), and those of the space telescopes.
            "bias": "SUBBIAS, SUBTRACT_BIAS, ZEROCOR, BIASCORR",
            "overscan": "SUBOSCAN, SUBTRACT_OVERSCAN, OVERSCAN, OVERSCOR, BLEVCORR",
            "trim": "TRIMIM, TRIM_IMAGE, TRIM",
            "dark": "SUBDARK, SUBTRACT_DARK, DARKCOR, DARKCORR",
            "flat": "FLATCOR, FLAT_CORRECT, FLATCORR",
            "gain": "GAINCOR, GAIN_CORRECT",
        }
    ),
)

#: WFC3 Data Handbook, section 2.4; ACS Data Handbook, section 2.4: IMAGETYP is EXT for exposures of the sky.
_HST = Dialect(
    "hst",
    "Hubble Space Telescope",
    cards={"TELESCOP": "HST"},
    kinds=_table({"light": "ext, external"}),
)

#: JWST keyword dictionary: EXPOSURE is the number of the exposure request.
_JWST = Dialect(
    "jwst",
    "James Webb Space Telescope",
    cards={"TELESCOP": "JWST"},
    keywords=_table({"kind": "EXP_TYPE", "exposure": "EFFEXPTM, XPOSURE, EFFINTTM", "filter": "FILTER, PUPIL"}),
    ignored=_table({"exposure": "EXPOSURE"}),
    kinds=_table(
        {
            "dark": "*dark*",
            "flat": "*flat*, *led",
            "arc": "*lamp, *wave*",
            "focus": "*focus",
            "light": "nrc*, nrs*, nis*, mir*, fgs*",
        }
    ),
    corrections=_table({"bias": "S_SUPERB", "dark": "S_DARK", "flat": "S_FLAT"}),
)

#: SBFITSEXT, the standard of SBIG for FITS headers: DATAMAX is the saturation level.
_SBIG = Dialect(
    "sbig",
    "programs that follow the SBFITSEXT standard of SBIG",
    cards={"SBSTDVER": "SBFITSEXT*"},
    keywords=_table({"saturation": "SATURATE, DATAMAX"}),
)

#: Lick Observatory writes the index of the gain to GAIN.
_LICK = Dialect(
    "lick",
    "cameras of Lick Observatory",
    cards={"PROGRAM": "NEWCAM*"},
    ignored=_table({"gain": "GAIN"}),
)

_PAN_STARRS = Dialect(
    "pan-starrs",
    "Pan-STARRS",
    cards={"FPA.TELESCOPE": "PS*"},
    keywords=_table(
        {
            "kind": "FPA.OBSTYPE",
            "object": "FPA.OBJECT",
            "gain": "CELL.GAIN",
            "readnoise": "CELL.READNOISE",
            "saturation": "CELL.SATURATION",
            "filter": "FPA.FILTER",
            "altitude": "FPA.ELEVATION",
            "temperature": "CHIP.TEMP, FPA.TEMP",
            "binning_in_x": "CELL.XBIN",
            "binning_in_y": "CELL.YBIN",
            "camera": "FPA.INSTRUMENT",
            "trim": "CELL.TRIMSEC",
        }
    ),
)


@hookimpl
def ccdcr_dialects() -> Iterator[Dialect]:
    """The built-in dialects."""
    yield from (_COMMON, _HST, _JWST, _SBIG, _LICK, _PAN_STARRS)
