"""report.html: one page per night in plain words, complete in itself (no scripts, no network).

Belongs here: the page. Does not belong here: figures that are not in a table of the night, and personal data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.plots import draw
from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.foundation.writes import Kind, write_text

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; margin: 0 auto; max-width: 1080px; padding: 24px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 8px; } p { margin: 4px 0 12px; color: #52606d; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 20px 0; }
.tile { background: #f3f6fa; border-radius: 8px; padding: 12px 18px; } .tile b { display: block; font-size: 22px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 12px 5px 0; border-bottom: 1px solid #e3e8ee; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.plots { display: flex; flex-wrap: wrap; gap: 24px; } figure { margin: 0; max-width: 100%; overflow-x: auto; }
figcaption { color: #52606d; font-size: 13px; }
"""


FLOWS = """
WITH entries AS (
    SELECT *, reason || CASE WHEN row_count = 0 AND amount <> 0 THEN '' ELSE ' ' || format('{:,}', row_count) END
        || CASE WHEN amount = 0 THEN '' ELSE ' (' || CAST(amount AS VARCHAR) || ')' END AS words
    FROM ledger
), sides AS (
    SELECT flow, side, min(phase) AS phase, string_agg(words, ', ' ORDER BY row_count DESC, reason) AS words
    FROM entries
    WHERE row_count <> 0 OR amount <> 0 OR side = 'in'
    GROUP BY flow, side
)
SELECT came.phase, flow, came.words AS "in", went.words AS "out", rests.rest_count AS rows_left_over,
    rests.rest_amount AS money_left_over
FROM ledger_rests AS rests
LEFT JOIN (SELECT * FROM sides WHERE side = 'in') AS came USING (flow)
LEFT JOIN (SELECT * FROM sides WHERE side = 'out') AS went USING (flow)
ORDER BY list_position(['ingest', 'resolve', 'segment', 'analyze', 'activate', 'publish'], came.phase), flow"""


def write_report(building: Building) -> Path:
    """Write report.html into the night's folder; returns its path."""
    assert building.folder is not None
    path = building.folder / "report.html"
    write_text(path, _page(building), Kind.REPORT)
    return path


def _page(building: Building) -> str:
    settings = building.project.settings
    title = f"{settings.name}, night of {building.as_of:%Y-%m-%d %H:%M} UTC"
    sections = [
        f"<h1>{escape(settings.name)}</h1><p>The night of {building.as_of:%Y-%m-%d %H:%M} UTC. {escape(settings.description)}</p>",
        _tiles(building),
        _audiences(building),
        _changes(building),
        _plots(building),
        _table(
            building,
            "Does it add up?",
            "Each flow from landed file to delivered file: what went in, where it came out and why, in rows (money). "
            "A night in which anything is left over is not committed.",
            FLOWS,
        ),
        _table(
            building,
            "What landed",
            "One line per file; a refused file says why.",
            "SELECT source, path, row_count, kept_count, rejected_count, duplicate_count, superseded_count, not_yet_count, refusal FROM files ORDER BY 1, 2",
        ),
        _table(
            building,
            "What sources promised and did not keep",
            "Each source's own checks, and that its birth dates can be read as it declares them.",
            "SELECT source, owner, check_text, value FROM source_checks WHERE NOT is_passed ORDER BY ALL",
        ),
        _table(
            building,
            "Models",
            "How each model did on windows that it had not seen.",
            "SELECT model, status, summary FROM models ORDER BY model",
        ),
        _table(
            building,
            "Who is one person: is the model still right?",
            "Tonight beside the night in which the identity model was learned, and how many links are expected to be wrong: "
            "of pairs of w bits one in 1 + 2^w. What is beyond its bound has a remedy.",
            "SELECT figure, subject, tonight_value AS tonight, learned_value AS when_learned, compared, bound, state, remedy "
            "FROM identity_figures ORDER BY figure, subject",
        ),
        _questions(building),
        _checks(building),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body>{''.join(sections)}</body></html>\n"
    )


def _tiles(building: Building) -> str:
    figures = query(
        building.connection,
        "SELECT (SELECT sum(row_count) FROM files), (SELECT count(*) FROM contacts), (SELECT count(*) FROM people WHERE kind = 'known'), "
        "(SELECT count(*) FROM people WHERE record_count > 1), (SELECT count(*) FROM people WHERE kind = 'anonymous'), (SELECT coalesce(sum(amount), 0) FROM order_lines), "
        "(SELECT count(*) FROM profiles WHERE is_reachable_email)",
    )[0]
    words = (
        "rows landed",
        "records",
        "people",
        "of them merged",
        "anonymous people",
        f"order value, {building.project.settings.currency}",
        "reachable by e-mail",
    )
    tiles = "".join(
        f'<div class="tile"><b>{_cell(value)}</b>{escape(word)}</div>'
        for value, word in zip(figures, words, strict=True)
    )
    return f'<div class="tiles">{tiles}</div>'


def _audiences(building: Building) -> str:
    return _table(
        building,
        "Audiences: who qualified, who is reached, and why the others are not",
        "Each person is dropped once, for the first reason that holds.",
        "SELECT audience, destination, count(*) AS qualified, count(*) FILTER (outcome = 'no_address') AS no_address, "
        "count(*) FILTER (outcome = 'no_consent') AS no_consent, count(*) FILTER (outcome = 'duplicate_address') AS duplicate_address, "
        "count(*) FILTER (outcome = 'holdout') AS holdout, "
        "count(*) FILTER (outcome IN ('audience_too_small', 'not_matchable')) AS not_usable, "
        "count(*) FILTER (outcome = 'delivered') AS delivered FROM audience_waterfall GROUP BY 1, 2 ORDER BY 1, 2",
    )


def _changes(building: Building) -> str:
    return _table(
        building,
        "Who came, who went, and why",
        "Since yesterday; each change has one cause. A blank destination: the people whom the rule means. None on the first night.",
        "WITH changes AS (SELECT 'segment' AS kind, segment AS name, '' AS destination, change, cause FROM segment_changes "
        "UNION ALL SELECT 'audience', audience, destination, change, cause FROM audience_changes), "
        "counted AS (SELECT kind, name, destination, cause, count(*) FILTER (change = 'entered') AS entered_count, "
        "count(*) FILTER (change = 'left') AS left_count FROM changes GROUP BY ALL), "
        "told AS (SELECT kind, name, destination, string_agg(cause || ' +' || entered_count || ' -' || left_count, ', ' "
        "ORDER BY cause) AS causes FROM counted GROUP BY ALL) "
        "SELECT kind, name, destination, before_count AS yesterday, entered_count AS entered, left_count AS left_it, "
        "after_count AS tonight, coalesce(causes, '') AS causes FROM membership_counts LEFT JOIN told USING (kind, name, destination) "
        "ORDER BY kind DESC, name, destination",
    )


def _plots(building: Building) -> str:
    figures = [
        f"<figure>{svg}<figcaption>{escape(table.name)}: {escape(plot.x)} by {escape(plot.y)}</figcaption></figure>"
        for table in building.catalogue.tables.values()
        for plot in table.plots
        if not table.is_private and (svg := draw(building, table, plot))
    ]
    return f'<h2>In pictures</h2><div class="plots">{"".join(figures)}</div>' if figures else ""


def _questions(building: Building) -> str:
    waiting = query(building.connection, "SELECT coalesce(max(waiting_count), 0) FROM review_queue")[0][0]
    return _table(
        building,
        "What people could settle",
        f"{waiting:,} questions about who is one person wait in review_queue, with the command that answers each; "
        "the ten whose answers are worth most. Of two people apart, of one person together by a weak link.",
        "SELECT question, person_id_l AS person_id, CASE question WHEN 'apart' THEN person_id_r END AS other_person_id, "
        "CAST(round(weight / 1000.0, 1) AS DECIMAL(9, 1)) AS bits, record_count AS records FROM review_queue "
        "ORDER BY priority DESC, record_key_l, record_key_r LIMIT 10",
    )


def _checks(building: Building) -> str:
    rows = [
        (name, verdict.check, f"{verdict.value:g}", verdict.severity, "yes" if verdict.passed else "NO")
        for name, built in sorted(building.results.items())
        for verdict in built.verdicts
    ]
    return "<h2>Checks</h2>" + _html_table(("table", "check", "measured", "severity", "holds"), rows)


def _table(building: Building, title: str, words: str, sql: str) -> str:
    result = building.connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return f"<h2>{escape(title)}</h2><p>{escape(words)}</p>" + _html_table(names, result.fetchall())


def _html_table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    listed = list(rows)
    kinds = [
        "n" if (listed and isinstance(value, (int, float))) or hasattr(value, "as_tuple") else ""
        for value in (listed[0] if listed else names)
    ]
    head = "".join(
        f'<th class="{kind}">{escape(name.replace("_", " "))}</th>' for name, kind in zip(names, kinds, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{kind}">{_cell(value)}</td>' for value, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in listed
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        # Money keeps its two places; what has more of them ends where it says nothing any more.
        return f"{value if value.as_tuple()[2] == -2 else value.normalize():,f}"
    return escape(f"{value:,}" if isinstance(value, int) else str(value))
