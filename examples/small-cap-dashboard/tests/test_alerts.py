"""The test alert against a mail server on loopback."""

import socketserver
import threading

import pytest


@pytest.fixture
def mail_server():
    class Session(socketserver.StreamRequestHandler):
        lines: list[str] = []

        def handle(self):
            self.wfile.write(b"220 ready\r\n")
            in_message = False
            for raw in self.rfile:
                line = raw.decode().rstrip("\r\n")
                self.lines.append(line)
                if in_message and line != ".":
                    continue
                verb = line[:4].upper()
                in_message = verb == "DATA"
                reply = {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok")
                self.wfile.write(f"{reply}\r\n".encode())
                if verb == "QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Session.port = server.server_address[1]
        yield Session
        server.shutdown()


@pytest.fixture
def configured(client):
    """Sets the mail section of the settings for one test."""
    from dashboard_api.app import app
    from dashboard_api.settings import get_settings

    def configure(port):
        base = get_settings()
        email = base.email.model_copy(update={
            "smtp_server": "127.0.0.1", "port": port, "username": "me@example.com", "use_tls": False,
        })
        app.dependency_overrides[get_settings] = lambda: base.model_copy(update={"email": email})
        return client

    yield configure
    app.dependency_overrides.clear()


def test_a_message_is_sent_to_the_configured_address(configured, mail_server):
    answer = configured(mail_server.port).post("/api/alerts/test")
    assert answer.json() == {"sent": True, "detail": "sent"}
    assert "rcpt TO:<me@example.com>" in mail_server.lines
    assert "Subject: Small-cap dashboard: test alert" in mail_server.lines


def test_a_mail_server_that_is_away_is_a_502(configured):
    client = configured(1)
    assert client.get("/api/alerts/test").json()["configured"] is True
    assert client.post("/api/alerts/test").status_code == 502
