# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Many frames: cleaning a collection, reducing a night.
"""

from ccdproc_crplugin.pipeline.collection import clean_collection

__all__ = ["clean_collection"]
