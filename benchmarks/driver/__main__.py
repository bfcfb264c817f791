"""`python -m benchmarks.driver`: orders on standard input, the outcome on standard output."""

from __future__ import annotations

import gc
import sys

import msgspec

from benchmarks.driver.loop import Driver
from benchmarks.driver.orders import Orders

driver = Driver(msgspec.json.decode(sys.stdin.buffer.read(), type=Orders))
# The messages are many, stay to the end and hold no cycles.
gc.freeze()
sys.stdout.buffer.write(msgspec.json.encode(driver.run()))
