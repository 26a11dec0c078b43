"""Counts requests; the number is kept in a file and survives a restart."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILE = Path(os.environ.get("COUNTER_FILE", "count"))
STEP = int(os.environ.get("COUNTER_STEP", "1"))
PORT = int(os.environ.get("PORT", "9000"))
HOST = os.environ.get("HOST", "0.0.0.0")
LOCK = threading.Lock()


class Counter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, "ok")
        elif self.path == "/":
            with LOCK:
                count = int(FILE.read_text()) + STEP if FILE.exists() else STEP
                FILE.write_text(str(count))
            self._answer(200, str(count))
        else:
            self._answer(404, "not found")

    def _answer(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer((HOST, PORT), Counter).serve_forever()
