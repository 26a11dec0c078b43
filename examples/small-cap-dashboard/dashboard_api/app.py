"""The ASGI application: `uvicorn dashboard_api.app:app`."""

import logging
from typing import Any

from fastapi import FastAPI, Response
from fastapi.middleware.cors import CORSMiddleware

from dashboard_api import __version__, storage
from dashboard_api.routes import alerts, prices, universe, watchlist
from dashboard_api.settings import SettingsError, get_settings

try:
    settings = get_settings()
except SettingsError as problem:
    # A sentence instead of a traceback, and an exit code that a supervisor sees.
    raise SystemExit(f"dashboard_api cannot start: {problem}") from None

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
for name in ("dashboard_api", "uvicorn", "uvicorn.error", "uvicorn.access"):
    logging.getLogger(name).setLevel(settings.log_level.upper())

app = FastAPI(title="Small-Cap Growth Dashboard", version=__version__)
app.add_middleware(
    CORSMiddleware,
    allow_origins=settings.cors_origins,
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["Content-Type"],
)
app.include_router(universe.router)
app.include_router(prices.router)
app.include_router(watchlist.router)
app.include_router(alerts.router)


@app.get("/api/health")
def health(response: Response) -> dict[str, Any]:
    """200 when everything the API must write to can be written, else 503."""
    checks = storage.writable(settings.storage)
    healthy = all(checks.values())
    if not healthy:
        response.status_code = 503
    return {
        "status": "ok" if healthy else "storage not writable",
        "version": __version__,
        "storage": checks,
        "prices": "demo" if settings.alpha_vantage_key == "demo" else "alpha_vantage",
    }


@app.get("/api/report")
def report() -> dict[str, Any]:
    """The universe summed up by sector."""
    # Needed by this route alone, so not paid for at start.
    from dashboard_api import reports

    return reports.by_sector(storage.read_universe(settings.storage))
