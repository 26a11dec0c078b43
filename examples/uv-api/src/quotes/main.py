"""Quotes over HTTP: `uvicorn quotes.main:app`."""

import json
import os
from importlib.resources import files

from fastapi import FastAPI, HTTPException

QUOTES = json.loads(files("quotes").joinpath("quotes.json").read_text(encoding="utf-8"))
SIGNATURE = os.environ.get("QUOTES_SIGNATURE", "quotes")

app = FastAPI(title="Quotes")


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/quotes")
def all_quotes() -> dict[str, object]:
    return {"served_by": SIGNATURE, "quotes": QUOTES}


@app.get("/quotes/{number}")
def one_quote(number: int) -> dict[str, str]:
    """Quotes are counted from 1."""
    if not 1 <= number <= len(QUOTES):
        raise HTTPException(404, f"there are quotes 1 to {len(QUOTES)}")
    return QUOTES[number - 1]
