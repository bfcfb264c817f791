"""`python -m benchmarks.capacity` (see `command`)."""

import sys

from benchmarks.capacity.command import main

sys.exit(main())
