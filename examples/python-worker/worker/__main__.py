"""Measure the machine's load at intervals and append it to a CSV file: `python -m worker`."""

import csv
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

OUTPUT = Path("data/load.csv")
INTERVAL_SECONDS = float(os.environ.get("INTERVAL_SECONDS", "10"))


def measure(output: Path) -> list[str]:
    """Append one row and give it back."""
    row = [datetime.now(UTC).isoformat(timespec="seconds"), *(f"{x:.2f}" for x in os.getloadavg())]
    output.parent.mkdir(parents=True, exist_ok=True)
    new = not output.exists()
    with output.open("a", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        if new:
            rows.writerow(("time", "load1", "load5", "load15"))
        rows.writerow(row)
    return row


def main() -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        print(*measure(OUTPUT), flush=True)
        stop.wait(INTERVAL_SECONDS)
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
