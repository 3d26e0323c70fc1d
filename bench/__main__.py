"""`make bench`: what things cost, each row with the floor, the peer or the aim beside it.

`--json` prints the rows; `--only parts|http|search` measures some. HUB_BENCH_POSTGRES_URL adds PostgreSQL,
HUB_BENCH_CLIENTS says over how many clients search is measured.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.http_rows import HttpRow, http_rows
from bench.rows import Row, rows
from bench.search_rows import SearchRow, search_rows


def main() -> None:
    """Measure, and print the tables (or JSON)."""
    asked = argparse.ArgumentParser(prog="bench", description=__doc__)
    asked.add_argument("--json", action="store_true", help="rows as JSON")
    asked.add_argument("--only", choices=("parts", "http", "search"), help="measure only these")
    asked.add_argument("--peer", default="", help="a Python in whose environment fhirstarter is installed")
    given = asked.parse_args()
    postgres = os.environ.get("HUB_BENCH_POSTGRES_URL", "")
    parts: list[Row] = []
    over_http: list[HttpRow] = []
    searched: list[SearchRow] = []
    with tempfile.TemporaryDirectory(prefix="casehub-bench-") as scratch:
        if given.only in (None, "parts"):
            parts = list(rows(Path(scratch)))
        if given.only in (None, "http") and given.peer:
            over_http = list(http_rows(Path(scratch), peer_python=given.peer, postgres=postgres))
        if given.only in (None, "search"):
            searched = list(search_rows(Path(scratch), postgres))
    if given.json:
        print(json.dumps([dataclasses.asdict(row) for row in (*parts, *over_http, *searched)], indent=2))
        return
    if parts:
        Console().print(table_of_parts(parts))
    if over_http:
        Console().print(table_of_http(over_http))
    if searched:
        Console().print(table_of_search(searched))


def table_of_parts(measured: list[Row]) -> Table:
    """One call each, in CPU time."""
    table = Table(title="casehub: what things cost")
    for column in ("what", "median", "spread", "floor", "ratio", "aim"):
        table.add_column(column, justify="left" if column in ("what", "floor", "aim") else "right")
    for row in measured:
        spread = f"{show(row.least)} - {show(row.most)}"
        table.add_row(row.what, show(row.median), spread, row.floor, f"{row.ratio:.2f}" if row.ratio else "", row.aim)
    return table


def table_of_http(measured: list[HttpRow]) -> Table:
    """Over HTTP, in turns with the peer."""
    table = Table(title="casehub over HTTP, beside fhirstarter (in memory, no history, search, consent or audit)")
    for column in ("what", "median", "spread", "peer", "ratio", "CPU each", "failed", "aim"):
        table.add_column(column, justify="left" if column in ("what", "aim") else "right")
    for row in measured:
        table.add_row(
            row.what,
            f"{row.rate:,.0f}",
            f"{row.least:,.0f} - {row.most:,.0f}",
            f"{row.peer:,.0f}" if row.peer else "",
            f"{row.ratio:.2f}" if row.peer else "",
            show(row.cpu) if row.cpu else "",
            str(row.failed) if row.peer else "",
            row.aim,
        )
    return table


def table_of_search(measured: list[SearchRow]) -> Table:
    """Over few clients and over many."""
    table = Table(title=f"casehub: search over 1,000 clients and over {measured[0].clients:,} (ms)")
    for column in ("what", "few", "many", "growth", "aim"):
        table.add_column(column, justify="left" if column in ("what", "aim") else "right")
    for row in measured:
        table.add_row(row.what, f"{row.few:.2f}", f"{row.many:.2f}", f"{row.ratio:.2f}", "<= 1.5 x")
    return table


def show(microseconds: float) -> str:
    """A duration as people read it."""
    if microseconds < 1_000:
        return f"{microseconds:.0f} us"
    return f"{microseconds / 1_000:.1f} ms"


if __name__ == "__main__":
    main()
