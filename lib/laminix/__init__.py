"""The library behind laminix's builders of container images."""

import sys

__version__ = "0.2.0"

# Before any other module is imported: an older Python cannot even read them. This file and the builders can be read
# by every Python 3.
if sys.version_info < (3, 11):
    sys.exit(
        "laminix: error: found Python %d.%d, expected 3.11 or later (%s)" % (*sys.version_info[:2], sys.executable)
    )
