import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard_api.settings import PROJECT_ROOT, SettingsError, load_settings

KEY = {"TS_ALPHA_VANTAGE_KEY": "demo"}


@pytest.mark.parametrize("environ", [{}, {"TS_ALPHA_VANTAGE_KEY": ""}])
def test_a_missing_or_empty_key_is_refused(environ):
    with pytest.raises(SettingsError, match="TS_ALPHA_VANTAGE_KEY is not set"):
        load_settings(PROJECT_ROOT, environ)


def test_the_process_stops_with_a_sentence(tmp_path):
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TS_")}
    environ["TS_ALPHA_VANTAGE_KEY"] = ""
    run = subprocess.run(
        [sys.executable, "-m", "uvicorn", "dashboard_api.app:app"],
        cwd=PROJECT_ROOT, env=environ, capture_output=True, text=True, timeout=60,
    )
    assert run.returncode == 1
    assert run.stderr.strip().startswith("dashboard_api cannot start: TS_ALPHA_VANTAGE_KEY")


def test_values_are_json_where_they_parse():
    settings = load_settings(PROJECT_ROOT, KEY | {
        "TS_EMAIL__PORT": "2525",
        "TS_EMAIL__USE_TLS": "false",
        "TS_EMAIL__USERNAME": "42",
        "TS_EMAIL__SMTP_SERVER": "mail.example",
    })
    email = settings.email
    assert (email.port, email.use_tls) == (2525, False)
    assert (email.username, email.smtp_server) == ("42", "mail.example")


def test_the_local_file_wins_over_defaults_and_the_environment_over_it(tmp_path):
    config = tmp_path / "config"
    config.mkdir()
    defaults = (PROJECT_ROOT / "config" / "default_settings.json").read_text()
    (config / "default_settings.json").write_text(defaults)
    local = {"storage": {"universe_dir": "from/file", "price_cache_dir": "from/file"}}
    (config / "settings.local.json").write_text(json.dumps(local))
    storage = load_settings(tmp_path, KEY | {"TS_STORAGE__UNIVERSE_DIR": "/from/env"}).storage
    assert storage.universe_dir == Path("/from/env")
    assert storage.price_cache_dir == Path("from/file")
    assert storage.watchlist_db == Path("data/watchlist.db")


@pytest.mark.parametrize(
    "extra", [{"TS_STORAGE__PRICE_CASH_DIR": "/x"}, {"TS_EMAIL__PORT": "hunter2"}]
)
def test_invalid_settings_are_named_without_their_value(extra):
    with pytest.raises(SettingsError, match="invalid settings: (storage.price_cash_dir|email.port)") as caught:
        load_settings(PROJECT_ROOT, KEY | extra)
    assert "hunter2" not in str(caught.value)


def test_an_unknown_log_level_is_refused():
    with pytest.raises(SettingsError, match="LOG_LEVEL is 'loud'"):
        load_settings(PROJECT_ROOT, KEY | {"LOG_LEVEL": "loud"})
