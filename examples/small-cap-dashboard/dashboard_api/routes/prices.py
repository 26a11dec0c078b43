"""GET /api/prices/{symbol}"""

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query

from dashboard_api import price_source
from dashboard_api.price_cache import PriceCache
from dashboard_api.settings import Settings, get_settings
from dashboard_api.storage import find_company

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api")


@router.get("/prices/{symbol}")
def prices(
    symbol: str,
    settings: Annotated[Settings, Depends(get_settings)],
    days: Annotated[int, Query(ge=2, le=500)] = 120,
) -> dict[str, Any]:
    """The last trading days; `cached` tells whether the source was asked."""
    company = find_company(settings.storage, symbol)
    source = price_source.choose(settings)
    cache = PriceCache(settings.storage.price_cache_dir, settings.prices.cache_ttl_hours)
    points = cache.get(company.symbol, source.name)
    cached = points is not None
    if points is None:
        try:
            points = source.daily(company.symbol)
        except price_source.PriceError as error:
            raise HTTPException(502, str(error)) from error
        try:
            cache.put(company.symbol, source.name, points)
        except OSError as error:
            log.error("prices of %s are not cached: %s", company.symbol, error)
    return {
        "symbol": company.symbol,
        "name": company.name,
        "source": source.name,
        "cached": cached,
        "points": [{"day": p.day.isoformat(), "close": p.close} for p in points[-days:]],
    }
