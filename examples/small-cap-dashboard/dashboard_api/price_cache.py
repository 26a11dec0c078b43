"""A cache of price series: one CSV file for each symbol and source."""

import csv
import os
import tempfile
import time
from datetime import date
from pathlib import Path

from dashboard_api.price_source import Point


class PriceCache:
    """Files older than `ttl_hours` are as good as absent."""

    def __init__(self, folder: Path, ttl_hours: float) -> None:
        self._folder, self._ttl_seconds = folder, ttl_hours * 3600

    def get(self, symbol: str, source: str) -> list[Point] | None:
        path = self._path(symbol, source)
        try:
            if time.time() - path.stat().st_mtime > self._ttl_seconds:
                return None
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return [Point(date.fromisoformat(row["day"]), float(row["close"])) for row in rows]
        except (OSError, ValueError, KeyError):
            return None  # Missing or damaged: it is fetched and written anew.

    def put(self, symbol: str, source: str, points: list[Point]) -> None:
        """Write beside and rename, so that a reader never sees half a file. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(("day", "close"))
                rows.writerows((point.day.isoformat(), point.close) for point in points)
            os.replace(name, self._path(symbol, source))
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, symbol: str, source: str) -> Path:
        return self._folder / f"{symbol}.{source}.csv"
