"""Write requirements/*.txt: the exact versions that are installed, by what they are for: run, develop, draw.

    .venv/bin/python deploy/pins.py

What runs is what the project and its extras require, directly or not, on this platform; the rest of what the
tools in TOOLS require is for development.
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = "mailmill"
EXTRAS = ("milter", "worker", "console")
#: What developers run; pins of these stay until someone runs this again.
TOOLS = (
    "pytest",
    "hypothesis",
    "ruff",
    "mypy",
    "dkimpy",
    "miltertest",
    "aiosmtpd",
    "packaging",
    "mkdocs",
    "simpy",
)
#: What the benchmarks draw with; it is large, and nothing else needs it.
BENCH = ("matplotlib",)
REQUIREMENTS = Path(__file__).parents[1] / "requirements"


def required(roots: list[Requirement]) -> dict[str, str]:
    """Return name and version of everything that is installed because of `roots`, themselves included."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(root.name, extra) for root in roots for extra in ("", *root.extras)]
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # wanted for another platform, or by an extra of an extra
        found[canonical(installed.name)] = installed.version
        for text in installed.requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                todo += [(requirement.name, wanted) for wanted in ("", *requirement.extras)]
    return found


def canonical(name: str) -> str:
    """Return a project's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(versions: dict[str, str]) -> str:
    """Return the lines of a requirements file."""
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def main() -> None:
    """Write the files."""
    run = required([Requirement(f"{PROJECT}[{','.join(EXTRAS)}]")])
    del run[PROJECT]
    tools = required([Requirement(tool) for tool in TOOLS])
    develop = {name: version for name, version in tools.items() if name not in run}
    bench = required([Requirement(each) for each in BENCH])
    head = "# Written by deploy/pins.py: the versions that are tested together.\n"
    REQUIREMENTS.mkdir(exist_ok=True)
    (REQUIREMENTS / "run.txt").write_text(head + pins(run))
    more = {name: version for name, version in bench.items() if name not in run and name not in develop}
    (REQUIREMENTS / "bench.txt").write_text(head + "-r dev.txt\n" + pins(more))
    (REQUIREMENTS / "dev.txt").write_text(head + "-r run.txt\n" + pins(develop))


if __name__ == "__main__":
    main()
