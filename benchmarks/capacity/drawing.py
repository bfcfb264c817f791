"""The picture of the page: machines of each kind by rate and engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.capacity.sizing import Plan
from benchmarks.picture import NoPictureError

#: Inches.
_SIZE: Final = (9.0, 3.2)
#: Where the scale of numbers ends: beyond the largest, with room for its label.
_MOST: Final = 30_000
#: So that a picture of the same figures is the same file.
_SALT: Final = "mailmill"


def parts(plan: Plan) -> dict[str, float]:
    """Return how many of each part a cluster has."""
    shape = plan.shape
    counts = {
        "Redis": 1,
        "edges": shape.edges,
        "scan machines": shape.scanners,
        "deliver processes": shape.deliver,
        "relays": shape.relays,
    }
    return {name: plan.groups * number for name, number in counts.items()}


def draw(plans: Sequence[Plan], path: Path) -> None:
    """Write the picture as SVG.

    Raises:
        NoPictureError: there is nothing to draw with.
    """
    try:
        import matplotlib as mpl  # noqa: PLC0415 - only pictures need it, and the rest is there without
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NoPictureError("no picture: pip install 'mailmill[bench]'") from error
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": _SALT, "font.size": 8})
    engines = list(dict.fromkeys(plan.shape.engine for plan in plans))
    figure = Figure(figsize=_SIZE, layout="constrained")
    figure.suptitle("How many for how many messages a second")
    for axes, engine in zip(
        figure.subplots(1, len(engines), sharey=True, squeeze=False)[0], engines, strict=True
    ):
        of_engine = [plan for plan in plans if plan.shape.engine == engine]
        names = list(parts(of_engine[0]))
        height = 0.8 / len(of_engine)
        for number, plan in enumerate(of_engine):
            places = [place + number * height for place in range(len(names))]
            bars = axes.barh(places, list(parts(plan).values()), height, label=f"{plan.rate:,.0f} msg/s")
            axes.bar_label(bars, fmt="{:,.0f}", fontsize=6, padding=1)
        axes.set_xscale("log")
        axes.set_xlim(0.5, _MOST)
        axes.set_yticks([place + height * (len(of_engine) - 1) / 2 for place in range(len(names))], names)
        axes.set_title("no engine" if engine == "none" else engine)
    figure.get_axes()[0].invert_yaxis()
    figure.get_axes()[0].legend(fontsize=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
