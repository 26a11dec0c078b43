"""Settings: shipped defaults, then a local file, then the environment.

`config/default_settings.json` holds every key. `config/settings.local.json`, which is not
committed, may override any of them, and so may `TS_<SECTION>__<KEY>` variables, whose values
are read as JSON where they are JSON and as text where they are not.
"""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from pydantic import BaseModel, ConfigDict, ValidationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
PREFIX = "TS_"
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")


class SettingsError(Exception):
    """The application cannot start with these settings; the text says what to change."""


class Section(BaseModel):
    """A part of the settings. Unknown keys are errors; `TS_EMAIL__USERNAME=42` is still text."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, frozen=True)


class Storage(Section):
    """Where files are kept. Relative paths start at the working directory."""

    price_cache_dir: Path
    universe_dir: Path
    watchlist_db: Path


class Prices(Section):
    alpha_vantage_url: str
    cache_ttl_hours: float
    timeout_seconds: float


class Email(Section):
    smtp_server: str | None
    port: int
    username: str | None
    password: str | None
    use_tls: bool


class Settings(Section):
    alpha_vantage_key: str
    cors_origins: list[str]
    log_level: str
    storage: Storage
    prices: Prices
    email: Email


def load_settings(root: Path, environ: Mapping[str, str]) -> Settings:
    """Merge the three sources. Raises SettingsError with a message fit for an operator."""
    key = environ.get("TS_ALPHA_VANTAGE_KEY", "").strip()
    if not key:
        raise SettingsError(
            "TS_ALPHA_VANTAGE_KEY is not set. Set it to an Alpha Vantage key, "
            'or to "demo" for made-up prices.'
        )
    values = _read_json(root / "config" / "default_settings.json")
    local = root / "config" / "settings.local.json"
    if local.exists():
        _merge(values, _read_json(local))
    _merge(values, _overrides(environ))
    values["alpha_vantage_key"] = key
    values["cors_origins"] = _origins(environ.get("CORS_ORIGINS", "http://localhost:5173"))
    values["log_level"] = _log_level(environ.get("LOG_LEVEL", "info"))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        # The offending value is left out: it may be a password.
        problems = "; ".join(
            ".".join(str(part) for part in e["loc"]) + ": " + e["msg"] for e in error.errors()
        )
        raise SettingsError(f"invalid settings: {problems}") from None


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read once. A `.env` beside the code counts as environment."""
    load_dotenv(PROJECT_ROOT / ".env")
    return load_settings(PROJECT_ROOT, os.environ)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error


def _merge(base: dict[str, Any], extra: dict[str, Any]) -> None:
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def _overrides(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in environ.items():
        section, separator, key = name.removeprefix(PREFIX).partition("__")
        if name.startswith(PREFIX) and separator and section and key:
            found.setdefault(section.lower(), {})[key.lower()] = _parse(text)
    return found


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _origins(text: str) -> list[str]:
    return [part.strip().rstrip("/") for part in text.split(",") if part.strip()]


def _log_level(text: str) -> str:
    level = text.strip().lower() or "info"
    if level not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL is {text!r}; use one of {', '.join(LOG_LEVELS)}.")
    return level
