"""The application is imported with storage in a folder of this test run."""

import os
import tempfile
from pathlib import Path

import pytest

_FOLDER = tempfile.TemporaryDirectory(prefix="dashboard-tests-")
DATA = Path(_FOLDER.name)
for name in list(os.environ):
    if name.startswith("TS_"):
        del os.environ[name]
os.environ |= {
    "TS_ALPHA_VANTAGE_KEY": "demo",
    "TS_STORAGE__PRICE_CACHE_DIR": str(DATA / "cache"),
    "TS_STORAGE__WATCHLIST_DB": str(DATA / "watchlist.db"),
    "CORS_ORIGINS": "https://one.example, https://two.example/",
}


@pytest.fixture
def client():
    from fastapi.testclient import TestClient

    from dashboard_api.app import app

    return TestClient(app)
