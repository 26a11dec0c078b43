"""GET, POST and DELETE /api/watchlist"""

import sqlite3
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Response
from pydantic import BaseModel, Field

from dashboard_api import watchlist_db
from dashboard_api.settings import Settings, get_settings
from dashboard_api.storage import find_company

router = APIRouter(prefix="/api/watchlist")
Config = Annotated[Settings, Depends(get_settings)]
T = TypeVar("T")


class Entry(BaseModel):
    symbol: str = Field(min_length=1, max_length=12)
    note: str = Field(default="", max_length=200)


@router.get("")
def entries(settings: Config) -> dict[str, Any]:
    return {"entries": _use(watchlist_db.entries, settings)}


@router.post("", status_code=201)
def add(entry: Entry, response: Response, settings: Config) -> dict[str, Any]:
    """201 for a new symbol, 200 for one that is there already."""
    company = find_company(settings.storage, entry.symbol)
    if not _use(watchlist_db.add, settings, company.symbol, entry.note):
        response.status_code = 200
    return {"symbol": company.symbol, "note": entry.note}


@router.delete("/{symbol}", status_code=204)
def remove(symbol: str, settings: Config) -> None:
    if not _use(watchlist_db.remove, settings, symbol.upper()):
        raise HTTPException(404, f"{symbol[:12]!r} is not on the watchlist")


def _use(action: Callable[..., T], settings: Settings, *arguments: str) -> T:
    """Run a query; a file that cannot be opened or written is a 503 with its path."""
    path = settings.storage.watchlist_db
    try:
        return action(path, *arguments)
    except (OSError, sqlite3.OperationalError) as error:
        raise HTTPException(503, f"the watchlist {path} cannot be used: {error}") from error
