"""Unit conversion over HTTP: `uvicorn unit_convert.server:api`."""

import os

from fastapi import FastAPI, HTTPException

# Each unit in metres.
LENGTHS = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048, "in": 0.0254}
DIGITS = int(os.getenv("CONVERT_DIGITS", "6"))

api = FastAPI(title="Unit conversion")


@api.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@api.get("/convert")
def convert(value: float, source: str, target: str) -> dict[str, float | str]:
    """Lengths only; a unit that is not known is a 422 that lists those that are."""
    try:
        result = value * LENGTHS[source] / LENGTHS[target]
    except KeyError as unknown:
        raise HTTPException(422, f"unknown unit {unknown}; known: {', '.join(LENGTHS)}") from None
    return {"value": round(result, DIGITS), "unit": target}
