"""Every file of 200 services for every target, in memory."""

import json
import os
import shutil

from measure import Failure, Side, alternate

TITLE = "render of 200 services for 8 targets"
SERVICES = 200
TARGETS = ("docker", "render", "fly", "aws", "azure", "railway", "netlify", "vercel")
LIMIT_SECONDS = 1
LIMIT_MB = 100


def measure(lab, section):
    """Ours prints all files; Compose reads the one of them that it knows and prints it again."""
    folder = os.path.join(lab.work, "render")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "dashdeploy.yaml"), "w", encoding="utf-8") as file:
        file.write(project())
    command = [lab.dashdeploy, "render", "--target", "all", "--stdout", "--json"]
    ours = Side("dashdeploy render --target all", command, folder)
    first = ours.run()
    files = json.loads(first.out.splitlines()[-1])["result"]["files"]
    prove(files)
    if ours.run().out != first.out:
        raise Failure("two runs of render differ")
    sides = [ours]
    if lab.compose:
        compose = next(file["contents"] for file in files if file["path"] == "docker-compose.yml")
        with open(os.path.join(folder, "docker-compose.yml"), "w", encoding="utf-8") as file:
            file.write(compose)
        sides.append(Side("compose config", [lab.compose, "config"], folder, {"API_KEY": "x"}))
    count, size = len(files), sum(len(file["contents"]) for file in files) / 1e6
    del first, files
    for side in sides:
        side.forget = True
    alternate(sides, 9)
    peer = sides[1] if len(sides) > 1 else None
    peak = [max(run.peak_bytes for run in side.runs) / 1e6 for side in sides]
    name, theirs = (peer.name, peer.seconds()) if peer else ("", None)
    section.limit(f"{count} files, {size:.1f} MB", ours.seconds(), LIMIT_SECONDS, "s", name, theirs)
    section.limit("largest resident set", peak[:1], LIMIT_MB, "MB", name, peak[1:] or None)
    section.checked(f"there is a file of each of {len(TARGETS)} targets, and two runs gave the same bytes.")


def project():
    """One API and one page alternately, each with what such services have."""
    lines = ["project: many", "services:"]
    for number in range(SERVICES // 2):
        lines += [
            f"  api-{number}:",
            f'    build: {{ kind: fastapi, context: api-{number}, app: "app:app" }}',
            "    health: /api/health",
            "    publish: false",
            f'    env: {{ LOG_LEVEL: info, CORS_ORIGINS: "${{services.web-{number}.origin}}", MODE: "a b $c" }}',
            "    secrets: { API_KEY: required, MAIL: optional }",
            f"    volumes: {{ data-{number}: /data }}",
            f"  web-{number}:",
            f"    build: {{ kind: vite, context: web-{number} }}",
            f"    publish: {20000 + number}",
            f'    env: {{ VITE_API: "${{services.api-{number}.url}}" }}',
            f"    proxy: {{ /api: api-{number} }}",
        ]
    lines.append("volumes:")
    lines += [f"  data-{number}: {{ size: 1Gi }}" for number in range(SERVICES // 2)]
    lines += ["environments:", "  production: { target: docker }"]
    return "\n".join(lines) + "\n"


def prove(files):
    """Each target has a file."""
    paths = [file["path"] for file in files]
    marks = ("docker-compose", "render.yaml", "fly.", "deploy/aws/", "deploy/azure/", "railway", "netlify.toml", "vercel.json")
    missing = [mark for mark in marks if not any(mark in path for path in paths)]
    if missing:
        raise Failure(f"no file of {', '.join(missing)} among {len(paths)}")
