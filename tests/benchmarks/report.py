"""The page that shows what was measured, and its picture."""

from collections.abc import Mapping, Sequence
from statistics import median

from tests.benchmarks.field import IN_FLIGHT, FieldTable
from tests.benchmarks.harness import ROOT, Table

PAGE = ROOT / "docs" / "explanation" / "performance.md"
PICTURE = PAGE.with_suffix(".svg")

_BAR, _GAP, _LEFT, _WIDTH = 20, 14, 300, 900


def write(about: Mapping[str, str], tables: Sequence[Table | FieldTable]) -> None:
    """Write the page anew: every table of this run."""
    lines = [
        "# Performance",
        "",
        "What `python -m tests.benchmarks --write` measured: medians of rounds that take turns, on",
        "loopback. The machine is a shared one, so ratios say more than figures.",
        "",
    ]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    for table in tables:
        lines += ["", f"## {table.title}", "", table.note, ""]
        if isinstance(table, FieldTable):
            lines += [
                "In parentheses how many times as fast wampapp is in the same run. The last column",
                "is the processor time of a call with 64 in flight: caller + callee + router.",
                "",
                f"![Calls per second with {IN_FLIGHT[1]} in flight]({PICTURE.name})",
                "",
            ]
            PICTURE.write_text(picture(table))
        lines.append(table.markdown())
    PAGE.write_text("\n".join(lines) + "\n")


def picture(table: FieldTable) -> str:
    """Draw the field's calls per second with 16 in flight, as SVG."""
    rates = [(c.name, median(table.samples[c.name, IN_FLIGHT[1]])) for c in table.contestants]
    most = max(rate for _, rate in rates)
    height = len(rates) * (_BAR + _GAP) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"',
        'font-family="sans-serif" font-size="14" role="img">',
        f"<title>Calls per second with {IN_FLIGHT[1]} in flight</title>",
        # Grey that is read on white and on black.
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
