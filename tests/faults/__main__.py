"""`make faults`: break everything in turn under load, and count what became of every message."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from faults import registry
from faults.bench import Bench
from faults.fault import Fault, Setup
from faults.row import NAME_WIDTH, Row, heading, line
from faults.run import FULL, QUICK, Scale, run, slug
from faults.setups import bench_for
from mailmill_local import corpus
from mailmill_local.servers.base import ServerError

#: Faults of the quick form, and the seconds after which it begins no other one.
QUICK_FAULTS = 9
QUICK_SECONDS = 150.0
_ROOT = Path(__file__).parents[2]


class Harness:
    """Runs faults on as few systems as possible: a system that did not become quiet is not used again."""

    def __init__(self, scale: Scale, seed: int, home: Path, keep: bool) -> None:  # noqa: FBT001 - a switch
        self._scale = scale
        self._seed = seed
        self._home = home
        self._keep = keep
        self._bench: Bench | None = None
        self._setup: Setup | None = None
        self.rows: list[Row] = []
        #: Faults whose system could not be set up.
        self.broken: list[str] = []

    def run(self, fault: Fault) -> str:
        """Run one fault and return its line."""
        try:
            bench = self._ready(fault.setup)
        except ServerError as error:
            self.broken.append(fault.name)
            self.close()
            return f"{fault.name:{NAME_WIDTH}}  FAILED: {error}"
        mark = len(bench.lines)
        row = run(fault, bench, self._home, self._scale, self._seed)
        self.rows.append(row)
        if row.wrong:
            self._save(fault, row, bench.lines[mark:])
            self.close()
        return line(row)

    def close(self) -> None:
        """Stop the system that runs, if any."""
        if self._bench is not None:
            self._bench.stop()
            if not self._keep:
                shutil.rmtree(self._bench.directory)
            self._bench = None

    def _ready(self, setup: Setup) -> Bench:
        if self._bench is not None and self._setup is not setup:
            self.close()
        if self._bench is None:
            self._bench = bench_for(setup)
            self._setup = setup
            self._bench.start()
        return self._bench

    def _save(self, fault: Fault, row: Row, lines: list[str]) -> None:
        path = _ROOT / "var" / "faults" / f"{slug(fault)}-{self._seed}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([line(row), *lines, ""]))


def main() -> int:
    """Run the harness; the exit status is 1 when a row is not good."""
    arguments = _arguments()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**6) if arguments.quick else 1
    faults = registry.chosen(arguments.only)
    if not faults:
        print(f"no fault has a name with {arguments.only}")
        return 2
    if arguments.list:
        print("\n".join(fault.name for fault in faults))
        return 0
    home = corpus.fetch(Path(os.environ.get("CORPUS_DIRECTORY") or _ROOT / "var" / "corpus"))
    if arguments.quick and not arguments.only:
        picked = random.Random(seed).sample(range(len(faults)), QUICK_FAULTS)
        faults = [faults[number] for number in sorted(picked)]
    # So that everything is stopped and removed: servers, mounts, namespaces.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    harness = Harness(QUICK if arguments.quick else FULL, seed, home, arguments.keep)
    start = time.monotonic()
    print(f"seed {seed}: {len(faults)} faults")
    print(heading(), flush=True)
    try:
        for fault in faults:
            if arguments.quick and time.monotonic() - start > QUICK_SECONDS:
                break
            print(harness.run(fault), flush=True)
    finally:
        harness.close()
    target = "faults-quick" if arguments.quick else "faults"
    only = f' --only "{arguments.only}"' if arguments.only else ""
    bad = [row.fault for row in harness.rows if row.wrong] + harness.broken
    print(
        f"{len(harness.rows)} rows in {time.monotonic() - start:.0f} s, {len(bad)} not good"
        + (f"; logs in var/faults/; again: make {target} ARGS='--seed {seed}{only}'" if bad else "")
    )
    return 1 if bad else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="repeat a run: the same moments, messages and choices")
    parser.add_argument("--only", default="", help="faults whose name holds one of these words, by comma")
    parser.add_argument("--quick", action="store_true", help="fewer messages, random faults, under 4 minutes")
    parser.add_argument("--list", action="store_true", help="show the names of the faults")
    parser.add_argument("--keep", action="store_true", help="keep the directories of the systems")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
