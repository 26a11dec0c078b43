"""Where prices come from: Alpha Vantage, or made-up series for the key `demo`."""

import hashlib
import json
import math
import random
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from dashboard_api.settings import Settings

FIRST_DAY = date(2024, 1, 1)


class PriceError(Exception):
    """The source gave no prices. The text never holds the key."""


@dataclass(frozen=True)
class Point:
    """A day's closing price in US dollars."""

    day: date
    close: float


class PriceSource(Protocol):
    name: str

    def daily(self, symbol: str) -> list[Point]:
        """Closing prices, oldest first. Raises PriceError."""
        ...


class DemoSource:
    """A random walk that depends on the symbol alone: the same day always has the same price."""

    name = "demo"

    def daily(self, symbol: str) -> list[Point]:
        seed = int.from_bytes(hashlib.sha256(symbol.encode()).digest()[:8], "big")
        dice = random.Random(seed)
        price = dice.uniform(15, 120)
        drift = dice.uniform(-0.0002, 0.0012)
        points = []
        for offset in range((date.today() - FIRST_DAY).days + 1):
            day = FIRST_DAY + timedelta(days=offset)
            if day.weekday() < 5:
                price *= math.exp(drift + dice.gauss(0, 0.018))
                points.append(Point(day, round(price, 2)))
        return points


class AlphaVantageSource:
    """The last hundred days from the TIME_SERIES_DAILY function."""

    name = "alpha_vantage"

    def __init__(self, url: str, key: str, timeout_seconds: float) -> None:
        self._url, self._key, self._timeout = url, key, timeout_seconds

    def daily(self, symbol: str) -> list[Point]:
        query = {"function": "TIME_SERIES_DAILY", "symbol": symbol, "apikey": self._key}
        address = f"{self._url}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=self._timeout) as answer:
                body = json.load(answer)
        except (OSError, ValueError) as error:
            # The class only: the message of some errors repeats the address, and so the key.
            raise PriceError(f"Alpha Vantage did not answer ({type(error).__name__})") from None
        series = body.get("Time Series (Daily)")
        if not series:
            # Over the quota and unknown symbols are answered with 200 and a sentence.
            raise PriceError(f"Alpha Vantage has no daily prices for {symbol}, or the quota is used up")
        return [
            Point(date.fromisoformat(day), float(values["4. close"]))
            for day, values in sorted(series.items())
        ]


def choose(settings: Settings) -> PriceSource:
    if settings.alpha_vantage_key == "demo":
        return DemoSource()
    prices = settings.prices
    return AlphaVantageSource(
        prices.alpha_vantage_url, settings.alpha_vantage_key, prices.timeout_seconds
    )
