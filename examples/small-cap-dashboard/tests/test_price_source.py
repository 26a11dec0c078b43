"""The Alpha Vantage client against a server on loopback."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard_api.price_source import AlphaVantageSource, DemoSource, Point, PriceError


@pytest.fixture
def alpha_vantage():
    class Handler(BaseHTTPRequestHandler):
        asked: list[dict[str, list[str]]] = []
        answer: object = {}

        def do_GET(self):
            self.asked.append(parse_qs(urlsplit(self.path).query))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(Handler.answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.url = f"http://127.0.0.1:{server.server_port}/query"
    yield Handler
    server.shutdown()
    server.server_close()


def test_daily_prices_come_oldest_first(alpha_vantage):
    alpha_vantage.answer = {
        "Time Series (Daily)": {
            "2025-01-03": {"4. close": "11.50"},
            "2025-01-02": {"4. close": "11.00"},
        }
    }
    points = AlphaVantageSource(alpha_vantage.url, "k1", 5).daily("KAI")
    assert points == [Point(date(2025, 1, 2), 11.0), Point(date(2025, 1, 3), 11.5)]
    assert alpha_vantage.asked[-1] == {
        "function": ["TIME_SERIES_DAILY"], "symbol": ["KAI"], "apikey": ["k1"],
    }


def test_a_used_up_quota_is_an_error(alpha_vantage):
    alpha_vantage.answer = {"Information": "our standard API rate limit is 25 requests per day"}
    with pytest.raises(PriceError, match="quota"):
        AlphaVantageSource(alpha_vantage.url, "k1", 5).daily("KAI")


def test_an_unreachable_server_does_not_reveal_the_key():
    with pytest.raises(PriceError) as caught:
        AlphaVantageSource("http://127.0.0.1:1/query", "very-secret", 1).daily("KAI")
    assert "very-secret" not in str(caught.value)


def test_demo_prices_are_the_same_every_time_and_differ_by_symbol():
    source = DemoSource()
    assert source.daily("KAI") == source.daily("KAI")
    assert source.daily("KAI")[:5] != source.daily("SHOO")[:5]
    assert all(point.close > 0 and point.day.weekday() < 5 for point in source.daily("KAI"))
