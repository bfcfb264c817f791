"""Whether a clamd tells when a message is over its limits (clamd.conf: AlertExceedsMax, `no` by default).

With `no`, clamd answers OK to what it did not look into, and nothing in the reply shows it. A sample that is
over a limit everywhere shows it: zip files packed into each other, deeper than MaxRecursion can be set.
"""

from __future__ import annotations

import functools
import io
import zipfile
from typing import Final

#: Layers of the sample: one more than clamd.conf(5) allows MaxRecursion to be (100; the default is 17).
_LAYERS: Final = 101

#: What an administrator should know, once.
ADVICE: Final = (
    "clamd at %s answers OK to what is over its limits (MaxScanSize, MaxFileSize, MaxRecursion, MaxFiles): "
    "set AlertExceedsMax yes in clamd.conf"
)


@functools.cache
def sample() -> bytes:
    """Return about 11 kB that no clamd looks into whole."""
    content = b"mailmill"
    for _ in range(_LAYERS):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo("a.zip"), content)
        content = packed.getvalue()
    return content
