"""Times pairs of commands in turn and prints ratios of their medians.

Given: the dashdeploy program, the Compose program, a project that is up. Runs of a pair alternate, so that both meet the
same noise. Nothing is written and nothing fails on a number.
"""

import os
import statistics
import subprocess
import sys
import time

RUNS = 9


def seconds(command, folder):
    begun = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DOCKER_BUILDKIT": "1"},
        check=True,
    )
    return time.perf_counter() - begun


def compare(name, ours, peers, folder):
    mine, theirs = [], []
    for _ in range(RUNS):
        mine.append(seconds(ours, folder))
        theirs.append(seconds(peers, folder))
    a, b = statistics.median(mine), statistics.median(theirs)
    print(f"{name:<34} {a:8.3f} s {b:8.3f} s   ratio {a / b:5.2f}   spread {max(mine) / min(mine):4.1f} / {max(theirs) / min(theirs):4.1f}")


def main():
    dashdeploy, compose, folder = sys.argv[1:4]
    docker = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"
    print(f"{'':<34} {'dashdeploy':>10} {'peer':>10}   medians of {RUNS}, in turn")
    compare("start-up (--version)", [dashdeploy, "--version"], [docker, "--version"], folder)
    compare("ps, against compose ps", [dashdeploy, "ps"], [compose, "ps"], folder)
    compare("up without a change, no build", [dashdeploy, "up", "--no-build"], [compose, "up", "-d", "--no-build"], folder)
    compare(
        "build without a change, one image",
        [dashdeploy, "build", "api"],
        [docker, "build", "-q", "-t", "dashdeploy-bench-peer", "-f", "backend/Dockerfile", "."],
        folder,
    )
    subprocess.run([docker, "rmi", "dashdeploy-bench-peer"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


main()
