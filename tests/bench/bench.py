"""dashdeploy beside its peers: runs the cases named, or all, and writes RESULTS.md.

Given: the dashdeploy program, the repository, a folder to work in, names of cases. Exits 1 where a command failed or two
sides did not do the same; a goal that is missed fails nothing.
"""

import datetime
import importlib
import os
import signal
import sys

from lab import Lab
from measure import Failure, Skip
from report import ORDER, Section, write


def main():
    """Runs the cases in order."""
    dashdeploy, repository, work, *names = sys.argv[1:]
    unknown = [name for name in names if name not in ORDER]
    if unknown:
        sys.exit(f"bench: no case {', '.join(unknown)}; there are {', '.join(ORDER)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    load = os.getloadavg()[0]
    when = f"{datetime.date.today().isoformat()}, load average {load:.1f} at the start."
    lab = Lab(os.path.abspath(dashdeploy), repository, work)
    sections, failed = [], []
    lab.clean()
    try:
        versions = lab.versions()
        for name in [case for case in ORDER if not names or case in names]:
            section = one(lab, name)
            (sections if section else failed).append(section or name)
            if section:
                # After each case: what is stopped later keeps what it has measured.
                write(os.path.join(repository, "tests/bench/RESULTS.md"), versions, sections, when)
    except KeyboardInterrupt:
        failed.append("interrupted")
    finally:
        if not lab.clean():
            failed.append("something of the bench could not be taken away from the engine")
    if failed:
        sys.exit(f"bench: FAILED: {', '.join(failed)}")


def one(lab, name):
    """Runs a case; none where it failed."""
    case = importlib.import_module(f"cases.{name}")
    section = Section(name, case.TITLE)
    print(f"\n== {name}: {case.TITLE}", file=sys.stderr, flush=True)
    try:
        case.measure(lab, section)
    except Skip as skip:
        print(f"SKIPPED: {skip}", file=sys.stderr)
        section.note(f"Skipped: {skip}")
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr, flush=True)
        return None
    print(section.text(), flush=True)
    return section


main()
