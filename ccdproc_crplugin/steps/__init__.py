# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The built-in reduction steps. They are plugins, loaded by name.
"""
