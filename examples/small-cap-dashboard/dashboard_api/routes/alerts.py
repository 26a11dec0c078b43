"""GET and POST /api/alerts/test"""

import logging
import smtplib
from email.message import EmailMessage
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException

from dashboard_api.settings import Email, Settings, get_settings

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/alerts")
Config = Annotated[Settings, Depends(get_settings)]


@router.get("/test")
def status(settings: Config) -> dict[str, Any]:
    """Whether mail could be sent; nothing is."""
    return {"configured": _configured(settings.email), "detail": _detail(settings.email)}


@router.post("/test")
def send(settings: Config) -> dict[str, Any]:
    """Send one message to the configured address itself."""
    email = settings.email
    if not _configured(email):
        return {"sent": False, "detail": _detail(email)}
    message = EmailMessage()
    message["Subject"] = "Small-cap dashboard: test alert"
    message["From"] = message["To"] = email.username
    message.set_content("Alerts from the small-cap dashboard reach you.")
    try:
        with smtplib.SMTP(email.smtp_server, email.port, timeout=10) as server:
            if email.use_tls:
                server.starttls()
            if email.password:
                server.login(email.username, email.password)
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        log.error("the test alert was not sent: %s", error)
        raise HTTPException(502, "the mail server did not take the message") from error
    return {"sent": True, "detail": "sent"}


def _configured(email: Email) -> bool:
    return bool(email.smtp_server and email.username)


def _detail(email: Email) -> str:
    return "email configured" if _configured(email) else "email not configured"
