"""Figures over the whole universe."""

from collections import defaultdict
from statistics import mean
from typing import Any

from dashboard_api.storage import Company


def by_sector(companies: list[Company]) -> dict[str, Any]:
    """Number, market value and mean growth of each sector, the largest first."""
    groups: dict[str, list[Company]] = defaultdict(list)
    for company in companies:
        groups[company.sector].append(company)
    sectors = [
        {
            "sector": sector,
            "companies": len(members),
            "market_cap_musd": round(sum(m.market_cap_musd for m in members), 1),
            "mean_revenue_growth_pct": round(mean(m.revenue_growth_pct for m in members), 2),
        }
        for sector, members in groups.items()
    ]
    sectors.sort(key=lambda row: row["market_cap_musd"], reverse=True)
    return {"companies": len(companies), "sectors": sectors}
