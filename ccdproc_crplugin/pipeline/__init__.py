# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Many frames: cleaning a collection, reducing a night.
"""

from ccdproc_crplugin.pipeline.collection import clean_collection
from ccdproc_crplugin.pipeline.reduction import plan_night, reduce_night

__all__ = ["clean_collection", "plan_night", "reduce_night"]
