"""Plots that a table's header asks for: `-- plot bar: x by <aggregate>` becomes an SVG for the UI and the report.

Belongs here: drawing. Does not belong here: which plots there are (the tables say), pages (publish.report).
"""

from __future__ import annotations

import base64

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.tables import Plot, Table
from personalization_pipeline.foundation.warehouse import query

MOST_MARKS = 60
COLOUR = "#3b6fb6"


def draw(building: Building, table: Table, plot: Plot) -> str:
    """One plot as SVG text; empty where the table has no rows to draw."""
    rows = query(
        building.connection,
        f"SELECT CAST({plot.x} AS VARCHAR) AS x, CAST({plot.y} AS DOUBLE) AS y FROM {table.target} "
        f"WHERE {plot.x} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT {MOST_MARKS}",
    )
    return _svg(plot.mark, plot.x, plot.y, [(str(x), float(y or 0)) for x, y in rows]) if rows else ""


def _svg(mark: str, x: str, y: str, rows: list[tuple[str, float]]) -> str:
    import altair as alt
    import vl_convert

    data = alt.Data(values=[{"x": name, "y": value} for name, value in rows])
    chart = alt.Chart(data, width=520)
    if mark == "bar":
        drawn = chart.mark_bar(color=COLOUR).encode(
            x=alt.X("y:Q", title=y), y=alt.Y("x:N", title=x, sort="-x"), tooltip=["x:N", "y:Q"]
        )
    else:
        drawn = chart.mark_line(color=COLOUR, point=True).encode(
            x=alt.X("x:T", title=x), y=alt.Y("y:Q", title=y), tooltip=["x:T", "y:Q"]
        )
    return str(vl_convert.vegalite_to_svg(drawn.to_json(), vl_version="6.1"))


def as_markdown(svg: str) -> str:
    """An image that a Markdown view shows without asking anybody for it."""
    return f"![plot](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"
