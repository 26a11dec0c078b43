def test_health_is_ok_and_shows_no_secret(client):
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": "1.0.0",
        "storage": {"price_cache": True, "watchlist": True},
        "prices": "demo",
    }


def test_health_is_503_when_the_cache_cannot_be_written(client, monkeypatch, tmp_path):
    from dashboard_api import app as module

    blocker = tmp_path / "file"
    blocker.write_text("a file where a folder should be")
    broken = module.settings.storage.model_copy(update={"price_cache_dir": blocker / "cache"})
    monkeypatch.setattr(
        module, "settings", module.settings.model_copy(update={"storage": broken})
    )
    answer = client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json()["storage"] == {"price_cache": False, "watchlist": True}


def test_universe_is_the_shipped_one(client):
    body = client.get("/api/universe").json()
    assert body["count"] == 24
    assert body["companies"][0] == {
        "symbol": "AEIS",
        "name": "Advanced Energy Industries",
        "sector": "Technology",
        "market_cap_musd": 4150.0,
        "revenue_growth_pct": 12.4,
    }


def test_second_price_request_is_served_from_the_cache(client):
    first = client.get("/api/prices/shoo?days=30").json()
    second = client.get("/api/prices/SHOO?days=30").json()
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["points"] == second["points"]
    assert len(first["points"]) == 30


def test_prices_of_unknown_symbols_and_paths_are_404(client):
    assert client.get("/api/prices/NOPE").status_code == 404
    assert client.get("/api/prices/..%2F..%2Fetc").status_code == 404


def test_watchlist_adds_once_and_removes(client):
    assert client.get("/api/watchlist").json() == {"entries": []}
    assert client.post("/api/watchlist", json={"symbol": "kai"}).status_code == 201
    again = client.post("/api/watchlist", json={"symbol": "KAI", "note": "pumps"})
    assert again.status_code == 200
    [entry] = client.get("/api/watchlist").json()["entries"]
    assert (entry["symbol"], entry["note"]) == ("KAI", "pumps")
    assert client.delete("/api/watchlist/KAI").status_code == 204
    assert client.delete("/api/watchlist/KAI").status_code == 404
    assert client.post("/api/watchlist", json={"symbol": "NOPE"}).status_code == 404


def test_report_sums_every_company(client):
    body = client.get("/api/report").json()
    assert body["companies"] == 24
    assert sum(row["companies"] for row in body["sectors"]) == 24
    assert body["sectors"][0]["sector"] == "Technology"


def test_alerts_say_that_mail_is_not_configured(client):
    expected = "email not configured"
    assert client.get("/api/alerts/test").json() == {"configured": False, "detail": expected}
    assert client.post("/api/alerts/test").json() == {"sent": False, "detail": expected}


def test_cors_allows_the_listed_origins_only(client):
    def allowed(origin):
        headers = client.get("/api/universe", headers={"Origin": origin}).headers
        return headers.get("access-control-allow-origin")

    assert allowed("https://two.example") == "https://two.example"
    assert allowed("https://three.example") is None
