"""Runs whole processes and measures them.

Given: commands. Gives: what each run took, in wall seconds and peak memory, and what it printed. Runs of a comparison
alternate, and the order changes from round to round, so that all meet the same noise; the first round is not counted.
A command that fails is an error: a number of a failure is no number.
"""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass, field


class Failure(Exception):
    """A command failed, or two sides did not do the same."""


class Skip(Exception):
    """What a case needs is not on this machine."""


@dataclass
class Run:
    """One process, from its start to its end."""

    seconds: float
    peak_bytes: int
    out: str
    err: str


@dataclass
class Side:
    """One side of a comparison: a command, where it runs, and what happens unmeasured before and after each run."""

    name: str
    command: list
    folder: str
    env: dict = field(default_factory=dict)
    before: object = None
    after: object = None
    # What was printed is let go: a process begins with the memory of the one that starts it, and the kernel counts that.
    forget: bool = False
    runs: list = field(default_factory=list)

    def run(self):
        """Runs once and gives the run."""
        if self.before:
            self.before()
        done = run(self.command, self.folder, self.env)
        if self.after:
            self.after()
        if self.forget:
            done.out = done.err = ""
        return done

    def seconds(self):
        """The wall seconds of all counted runs."""
        return [one.seconds for one in self.runs]


def run(command, folder, env=None):
    """Runs a command to its end; raises `Failure` with the end of its output where it fails."""
    variables = {**os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain", **(env or {})}
    with open_scratch() as out, open_scratch() as err:
        begun = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=variables)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:
            process.wait()
            raise
        seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        done = Run(seconds, usage.ru_maxrss * 1024, read(out), read(err))
    if process.returncode != 0:
        said = (done.err + done.out).strip().splitlines()[-15:]
        raise Failure("\n".join([f"exit code {process.returncode} of: {words(command)}", *said]))
    return done


def open_scratch():
    """A file without a name: a pipe would have to be emptied meanwhile, which costs what is measured."""
    return os.fdopen(os.memfd_create("output"), "w+b")


def read(file):
    """All that was written to a file."""
    file.seek(0)
    return file.read().decode(errors="replace")


def words(command):
    """A command as a line, with programs and folders by their last names alone."""
    program, *arguments = command
    shown = [f"…/{os.path.basename(word)}" if word.startswith("/") else word for word in arguments]
    return " ".join([os.path.basename(program), *shown])


def alternate(sides, rounds, warm_up=True):
    """Runs all sides in turn; each side keeps its runs. The warm-up is not counted."""
    if warm_up:
        for side in sides:
            side.run()
    for number in range(rounds):
        order = sides if number % 2 == 0 else list(reversed(sides))
        for side in order:
            side.runs.append(side.run())


def median(values):
    """The median."""
    return statistics.median(values)
