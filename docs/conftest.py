# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The example plugins are tested where they are installed, see ``tox -e plugins``.
"""

collect_ignore_glob = ["plugins/ccdcr-*/tests/*", "plugins/ccdcr-deepcr/*.py"]
