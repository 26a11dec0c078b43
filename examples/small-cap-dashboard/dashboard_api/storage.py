"""Files the API reads and writes: the universe, and the proof that the rest is writable."""

import csv
import logging
import sqlite3
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fastapi import HTTPException

from dashboard_api.settings import PROJECT_ROOT, Storage
from dashboard_api.watchlist_db import connect

log = logging.getLogger(__name__)
UNIVERSE_FILE = "small_caps.csv"
SHIPPED_UNIVERSE = PROJECT_ROOT / "data" / "universe" / UNIVERSE_FILE


@dataclass(frozen=True)
class Company:
    """One row of the universe. The market value is in millions of US dollars."""

    symbol: str
    name: str
    sector: str
    market_cap_musd: float
    revenue_growth_pct: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_universe(storage: Storage) -> list[Company]:
    """The snapshot in the configured folder, else the one shipped with the code; else a 503."""
    for path in (storage.universe_dir / UNIVERSE_FILE, SHIPPED_UNIVERSE):
        if path.is_file():
            return _parse(path)
    raise HTTPException(503, f"no universe: {storage.universe_dir / UNIVERSE_FILE} is missing")


def find_company(storage: Storage, symbol: str) -> Company:
    """The company, or a 404. Only symbols from the universe ever reach a file name."""
    for company in read_universe(storage):
        if company.symbol == symbol.upper():
            return company
    raise HTTPException(404, f"{symbol[:12]!r} is not in the universe")


def writable(storage: Storage) -> dict[str, bool]:
    """Try each place for real: permission bits say nothing about a read-only mount."""
    return {
        "price_cache": _can_write_dir(storage.price_cache_dir),
        "watchlist": _can_write_db(storage.watchlist_db),
    }


def _parse(path: Path) -> list[Company]:
    with path.open(encoding="utf-8", newline="") as file:
        return [
            Company(
                symbol=row["symbol"],
                name=row["name"],
                sector=row["sector"],
                market_cap_musd=float(row["market_cap_musd"]),
                revenue_growth_pct=float(row["revenue_growth_pct"]),
            )
            for row in csv.DictReader(file)
        ]


def _can_write_dir(path: Path) -> bool:
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return True
    except OSError as error:
        log.error("cannot write to %s: %s", path, error)
        return False


def _can_write_db(path: Path) -> bool:
    try:
        with connect(path) as db:
            db.execute("BEGIN IMMEDIATE")
            db.rollback()
            return True
    except (OSError, sqlite3.Error) as error:
        log.error("cannot write to %s: %s", path, error)
        return False
