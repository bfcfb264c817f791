"""`make faults-mutations`: the harness must fail when a safety is taken out of the product.

Each mutation replaces one piece of text in a copy of the tree; the harness runs one fault against the copy.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT = Path(__file__).parents[2]
#: What of the tree is needed.
_PARTS: Final = ("cluster", "milter", "workers", "deploy", "tests")
#: Seconds for one run.
_PATIENCE: Final = 400.0


@dataclass(frozen=True)
class Mutation:
    """A safety that is taken out, and the fault that must show it."""

    name: str
    file: str
    old: str
    new: str
    fault: str


MUTATIONS: Final = (
    Mutation(
        "the record is not synced",
        "cluster/mailmill/intake/writer.py",
        "                os.fdatasync(self._fd)\n",
        "                pass\n",
        "EIO on fdatasync",
    ),
    Mutation(
        "the answer comes before the record",
        "milter/mailmill_milter/session.py",
        "        self._edge.intake.append(header.id, pack(header, received + transaction.take()))\n",
        "        late = (header.id, pack(header, received + transaction.take()))\n"
        "        __import__('threading').Timer(1.0, self._edge.intake.append, late).start()\n",
        "kill milter child",
    ),
    Mutation(
        "no lease",
        "milter/mailmill_milter/queue_manager/manager.py",
        "        self._end_leases()\n",
        "",
        "redis loses tasks",
    ),
    Mutation(
        "confirmed deliveries are not remembered",
        "cluster/mailmill/ledger.py",
        "for i = 3, #ARGV do redis.call('SADD', KEYS[1], ARGV[i]) end\n",
        "",
        "EIO on list of ended",
    ),
)


def main(only: str = "") -> int:
    """Run the mutations whose name holds `only`; the exit status is 1 when one of them goes unnoticed."""
    chosen = [mutation for mutation in MUTATIONS if only in mutation.name]
    unnoticed = [mutation.name for mutation in chosen if not _noticed(mutation)]
    print(f"{len(chosen)} mutations, unnoticed: {', '.join(unnoticed) or 'none'}")
    return int(bool(unnoticed))


def _noticed(mutation: Mutation) -> bool:
    """Return whether the harness fails on a copy of the tree with this mutation."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as scratch:
        copy = Path(scratch)
        copy.chmod(0o755)
        for part in _PARTS:
            shutil.copytree(_ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        path = copy / mutation.file
        text = path.read_text()
        if text.count(mutation.old) != 1:
            print(f"{mutation.name}: {mutation.file} has changed, the mutation must be changed too")
            return False
        path.write_text(text.replace(mutation.old, mutation.new))
        print(f"--- {mutation.name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "faults", "--quick", "--seed", "1", "--only", mutation.fault],
            cwd=copy,
            env={
                "CORPUS_DIRECTORY": str(_ROOT / "var" / "corpus"),
                **os.environ,
                "PYTHONPATH": os.pathsep.join(str(copy / part) for part in _PARTS),
            },
            timeout=_PATIENCE,
            check=False,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(done.stdout, flush=True)
        # A harness that breaks has noticed nothing.
        return done.returncode == 1 and re.search(r" \d+\.\ds  FAILED: ", done.stdout) is not None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
