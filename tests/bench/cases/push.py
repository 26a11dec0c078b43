"""A second push to a registry that has everything already."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import tree
from lab import free_ports
from measure import Failure, Side, Skip, alternate, run

TITLE = "second push to a registry on this machine"
LIMIT_MS = 50
ACCEPT = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"


def measure(lab, section):
    """Ours against docker push, to one registry, each to a repository of its own with the same image."""
    if not lab.registry:
        raise Skip("DOCKER_REGISTRY names no registry program")
    try:
        run([lab.dashdeploy, "push", "--help"], lab.work)
    except Failure as failure:
        raise Skip("this dashdeploy has no `push`") from failure
    project = "dashdeploy-bench-push"
    folder = tree.make(os.path.join(lab.work, "push"), project, 50, 400_000)
    with Registry(lab) as registry:
        with open(os.path.join(folder, "dashdeploy.yaml"), "a", encoding="utf-8") as file:
            file.write(f"registry: {registry.address}\n")
        run([lab.dashdeploy, "build"], folder)
        mine, theirs = f"{project}-app", f"{project}-docker"
        lab.ask("tag", f"{mine}:latest", f"{registry.address}/{theirs}:latest")
        ours = Side("dashdeploy", [lab.dashdeploy, "push"], folder)
        docker = Side("docker push", [lab.docker, "push", "-q", f"{registry.address}/{theirs}:latest"], folder)
        for side in (ours, docker):
            side.run()
        before = (registry.tags(mine), registry.digest(theirs, "latest"))
        if before[1] not in before[0].values():
            raise Failure(f"the registry has other manifests of ours than of docker's: {before}")
        alternate([ours, docker], 9, warm_up=False)
        if (registry.tags(mine), registry.digest(theirs, "latest")) != before:
            raise Failure("the registry changed, though it had everything already")
    docker.command[-1] = f"<registry>/{theirs}:latest"
    section.compare("everything is there", ours, docker)
    section.limit("whole process", [value * 1000 for value in ours.seconds()], LIMIT_MS, "ms")
    section.checked("the registry holds the same digest from both, before and after all runs.")


class Registry:
    """A registry on a port of this machine, with an empty store of its own."""

    def __init__(self, lab):
        self.lab = lab
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        self.store = os.path.join(lab.work, "registry")
        self.process = None

    def __enter__(self):
        shutil.rmtree(self.store, ignore_errors=True)
        os.makedirs(self.store)
        config = os.path.join(self.store, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{self.address}'}}\n")
            file.write(f"storage: {{filesystem: {{rootdirectory: '{self.store}/data'}}}}\n")
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen([self.lab.registry, "serve", config], stdin=quiet, stdout=quiet, stderr=quiet)
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2).close()
                return self
            except OSError:
                time.sleep(0.1)
        self.__exit__()
        raise Failure("the registry did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.store, ignore_errors=True)

    def digest(self, repository, tag):
        """What the registry says of a tag."""
        url = f"http://{self.address}/v2/{repository}/manifests/{tag}"
        request = urllib.request.Request(url, method="HEAD", headers={"Accept": ACCEPT})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.headers["Docker-Content-Digest"]
        except urllib.error.HTTPError as error:
            raise Failure(f"the registry has no {repository}:{tag} ({error.code})") from error

    def tags(self, repository):
        """Digests by tag."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/{repository}/tags/list", timeout=10) as answer:
                found = json.load(answer)["tags"] or []
        except urllib.error.HTTPError as error:
            raise Failure(f"the registry has no {repository} ({error.code})") from error
        return {tag: self.digest(repository, tag) for tag in found}
