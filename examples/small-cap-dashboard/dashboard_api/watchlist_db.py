"""The watchlist: one SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS watchlist (
    symbol   TEXT PRIMARY KEY,
    note     TEXT NOT NULL DEFAULT '',
    added_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
)
"""


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one request; the file and its folder are made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=5)) as db:
        db.row_factory = sqlite3.Row
        with db:
            db.execute(SCHEMA)
            yield db


def entries(path: Path) -> list[dict[str, Any]]:
    with connect(path) as db:
        return [dict(row) for row in db.execute("SELECT * FROM watchlist ORDER BY added_at, symbol")]


def add(path: Path, symbol: str, note: str) -> bool:
    """True when the symbol is new; a symbol that is there already only gets the note."""
    with connect(path) as db:
        known = db.execute("SELECT 1 FROM watchlist WHERE symbol = ?", (symbol,)).fetchone()
        db.execute(
            "INSERT INTO watchlist (symbol, note) VALUES (?, ?) "
            "ON CONFLICT (symbol) DO UPDATE SET note = excluded.note",
            (symbol, note),
        )
        return known is None


def remove(path: Path, symbol: str) -> bool:
    """True when there was something to remove."""
    with connect(path) as db:
        return db.execute("DELETE FROM watchlist WHERE symbol = ?", (symbol,)).rowcount > 0
