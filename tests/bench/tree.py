"""Source trees to build: the same bytes, names, modes and times on every machine.

Given: a folder, a number of files, their total size. Gives: a project of one service with a Dockerfile of its own. Sizes
are spread as in real trees: many small files, a few large ones; half of the bytes do not compress.
"""

import os
import random
import shutil

DOCKERFILE = """\
FROM debian:bookworm-slim
COPY . /dashdeploy-bench/
RUN find /dashdeploy-bench -type f | wc -l > /count
"""
IGNORED = "dashdeploy.yaml\n*.ignored\n"
PROJECT = """\
project: {project}
services:
  app:
    build: {{ kind: dockerfile }}
    dockerfile: Dockerfile
    port: 9000
    health: false
    command: ["sleep", "60"]
environments:
  local: {{ target: docker }}
"""
SEED = 20_000
WHEN = 1_700_000_000
FOLDERS = ["src", "lib", "core", "api", "web", "model", "view", "test", "data", "assets", "i18n", "util"]
ENDS = [".py", ".ts", ".json", ".md", ".css", ".svg", ".txt", ".bin"]


def make(folder, project, files, total_bytes):
    """Writes the tree, if it is not there yet, and puts edits of former runs back."""
    stamp = f"{project} {files} {total_bytes} 2"
    marker = folder + ".made"
    if not is_made(marker, stamp):
        shutil.rmtree(folder, ignore_errors=True)
        write_tree(folder, files, total_bytes)
        with open(marker, "w", encoding="utf-8") as file:
            file.write(stamp)
    write(os.path.join(folder, "Dockerfile"), DOCKERFILE.encode())
    write(os.path.join(folder, ".dockerignore"), IGNORED.encode())
    write(os.path.join(folder, "dashdeploy.yaml"), PROJECT.format(project=project).encode())
    write(edited(folder), b"first\n")
    return folder


def edited(folder):
    """The file that is edited."""
    return os.path.join(folder, "src", "edited.txt")


class Edit:
    """Edits of one file, each with a text that was never written before."""

    def __init__(self, folder):
        self.path = edited(folder)
        self.text = ""

    def write(self):
        """The next one; a random text, so that no cache of a former run knows it."""
        self.text = os.urandom(16).hex()
        write(self.path, self.text.encode())
        os.utime(self.path)


def is_made(marker, stamp):
    """True where the tree of that stamp was finished."""
    try:
        with open(marker, encoding="utf-8") as file:
            return file.read() == stamp
    except OSError:
        return False


def write_tree(folder, files, total_bytes):
    """Writes the files, in folders three deep, each with about 25 files."""
    dice = random.Random(SEED)
    weights = [dice.paretovariate(1.2) for _ in range(files)]
    # One file takes at most a thousandth of the whole (of a small tree, a tenth).
    cap = sum(weights) / min(1000, max(10, files // 5))
    weights = [min(weight, cap) for weight in weights]
    scale = total_bytes / sum(weights)
    noise = dice.randbytes(1 << 20)
    for number, weight in enumerate(weights):
        group = number // 25
        deep = [FOLDERS[group % 12], f"{FOLDERS[group // 12 % 12]}{group // 144}", f"part{group}"]
        place = os.path.join(folder, *deep)
        os.makedirs(place, exist_ok=True)
        size = max(1, int(weight * scale))
        start = dice.randrange(len(noise) // 2)
        body = f"{number}\n".encode() + (noise[start : start + size // 2] if size < len(noise) else noise)
        text = b"the quick brown fox jumps over the lazy dog\n"
        body = (body + text * (size // len(text) + 1))[:size]
        write(os.path.join(place, f"file{number}{ENDS[number % len(ENDS)]}"), body)


def write(path, body):
    """Writes a file with a time of its own that is the same on every machine."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(body)
    os.chmod(path, 0o644)
    os.utime(path, (WHEN, WHEN))


def size(folder):
    """Files and bytes of a tree."""
    count = total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            count += 1
            total += os.lstat(os.path.join(place, name)).st_size
    return count, total
