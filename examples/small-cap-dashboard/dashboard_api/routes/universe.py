"""GET /api/universe"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from dashboard_api.settings import Settings, get_settings
from dashboard_api.storage import read_universe

router = APIRouter(prefix="/api")


@router.get("/universe")
def universe(settings: Annotated[Settings, Depends(get_settings)]) -> dict[str, Any]:
    companies = read_universe(settings.storage)
    return {"count": len(companies), "companies": [company.as_json() for company in companies]}
