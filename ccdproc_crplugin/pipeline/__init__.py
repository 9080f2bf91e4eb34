# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Many frames: cleaning a collection, reducing a night.
"""

from ccdproc_crplugin.pipeline.collection import clean_collection
from ccdproc_crplugin.pipeline.config import read_night
from ccdproc_crplugin.pipeline.reduction import plan_night, reduce_night
from ccdproc_crplugin.pipeline.run import run_night

__all__ = ["clean_collection", "plan_night", "read_night", "reduce_night", "run_night"]
