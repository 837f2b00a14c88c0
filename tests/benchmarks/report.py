"""The page of the results, and its chart."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.benchmarks.contestants import IN_FLIGHT
from tests.benchmarks.field import FieldTable
from tests.benchmarks.harness import ROOT, Table
from tests.benchmarks.load import LoadTable
from tests.benchmarks.tasks import TaskTable

AnyTable = Table | FieldTable | LoadTable | TaskTable

PAGE = ROOT / "docs" / "explanation" / "performance.md"
PICTURE = PAGE.with_suffix(".svg")

_BAR, _GAP, _LEFT, _WIDTH = 20, 14, 300, 900


def write(about: Mapping[str, str], tables: Sequence[AnyTable]) -> None:
    """Write the page, with every table of this run."""
    lines = [
        "# Performance",
        "",
        "`python -m tests.benchmarks --write` measured these figures. Each is the median of some",
        "rounds, which alternate between the two sides, over loopback. The machine is shared, so",
        "compare the ratios rather than the figures.",
        "",
    ]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.note, ""]
        if isinstance(table, FieldTable):
            lines += [
                "In parentheses: how many times as fast wampapp with its own router is in the run.",
                "The last column is the processor time per call with 64 in flight, for",
                "caller + callee + router.",
                "",
                f"![Calls per second with {IN_FLIGHT[1]} in flight]({PICTURE.name})",
                "",
            ]
            PICTURE.write_text(picture(table))
        lines.append(table.markdown())
    PAGE.write_text("\n".join(lines) + "\n")


def picture(table: FieldTable) -> str:
    """Draw a bar chart of calls per second with 16 in flight, as SVG."""
    rates = [(c.name, median(table.samples[c.name, IN_FLIGHT[1]])) for c in table.contestants]
    most = max(rate for _, rate in rates)
    height = len(rates) * (_BAR + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        'font-family="sans-serif" font-size="14" role="img">',
        f"<title>Calls per second with {IN_FLIGHT[1]} in flight</title>",
        # Grey is readable on white and on black.
        "<style>text { fill: #777 } .ours { fill: #2a7de1 } .others { fill: #999 }</style>",
    ]
    for number, (name, rate) in enumerate(rates):
        top = _GAP + number * (_BAR + _GAP)
        length = rate / most * (_WIDTH - _LEFT - 90)
        kind = "ours" if name.startswith("wampapp") else "others"
        parts += [
            f'<text x="{_LEFT - 10}" y="{top + 15}" text-anchor="end">{name}</text>',
            f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.0f}" height="{_BAR}"/>',
            f'<text x="{_LEFT + length + 8:.0f}" y="{top + 15}">{rate:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"
