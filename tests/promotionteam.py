"""A team's repository with its remote, a store, and the versions that its first environment has made."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import builders as b
import cardcases as c
from mlplane.gitops.candidates import Offer, from_cluster
from mlplane.gitops.promoting import Proposal, Pushed, propose, publish
from mlplane.gitops.promotionsite import Site, look
from mlplane.steps.reports import write_report
from mlplane.store.artifacts import Store

Body = dict[str, Any]

PROMOTION = """\
apiVersion: mlplane.dev/v1alpha1
kind: Promotion
environments:
  - name: dev
    path: envs/dev
    namespace: dev
  - name: staging
    path: envs/staging
    namespace: staging
    from: dev
  - name: prod
    path: envs/prod
    namespace: prod
    from: staging
forge: {kind: None}
"""
OLD_DIGEST = "sha256:" + "0" * 64
SERVER = f"""\
# The endpoint of the team. Ask ops before you touch it.
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
spec:                      # the spec stands before the metadata: that is how we like it
  modelVersion: {{name: "digits-00000000",   digest: '{OLD_DIGEST}'}}  # moved by promotions
metadata: {{name: digits}}

# The end.
"""
FOLLOWS = """\
apiVersion: mlplane.dev/v1alpha1
kind: ModelServer
metadata:
  name: digits
spec:
  follow: {model: digits, policy: Newest}
"""
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com")


def git(where: Path, *arguments: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", *IDENTITY, *arguments],
        cwd=where,
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return done.stdout.strip()


@dataclass
class Team:
    """All that a promotion touches."""

    folder: Path
    bodies: list[Body] = field(default_factory=list)
    """What the cluster of dev has."""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        git(self.folder, "init", "-q", "--bare", "-b", "main", str(self.remote))
        git(self.folder, "clone", "-q", str(self.remote), str(self.repo))
        self.write("promotion.yaml", PROMOTION)
        self.write("envs/dev/modelserver.yaml", FOLLOWS)
        self.write("envs/staging/README.md", "")
        self.write("envs/prod/README.md", "")
        git(self.repo, "checkout", "-q", "-B", "main")
        self.commit("Start")

    @property
    def remote(self) -> Path:
        return self.folder / "remote.git"

    @property
    def repo(self) -> Path:
        return self.folder / "work"

    @property
    def store(self) -> Store:
        return Store(f"file://{self.folder}/store")

    def write(self, path: str, text: str) -> None:
        file = self.repo / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())

    def commit(self, message: str) -> str:
        """Commit all there is on main, and push it."""
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", message)
        git(self.repo, "push", "-q", "origin", "main")
        return git(self.repo, "rev-parse", "HEAD")

    def train(self, letter: str, *, value: float = 0.97, minute: int = 0, verdict: str = "Passed") -> Body:
        """A version with its model and report in the store, and its objects on the cluster of dev."""
        uri, digest = self._model(letter)
        made = f"2026-01-02T03:{minute:02d}:00Z"
        version = b.model_version(
            f"digits-{letter * 8}", digest=digest, approved=verdict == "Passed", creationTimestamp=made
        )
        version["spec"]["artifact"]["uri"] = uri
        self.bodies += [version, self._evaluation(version, value, verdict, made)]
        return version

    def offer(self, name: str = "") -> Offer:
        return from_cluster(self.bodies, "digits", name, "dev", None)

    def decide(self, site: Site, name: str = "") -> Proposal:
        return propose(site, self.offer(name), self.store, b.NOW)

    def promote(self, to: str = "staging", name: str = "") -> Pushed:
        return publish(lambda: look(self.repo, to, "", "digits"), lambda site: self.decide(site, name))

    def merge(self, branch: str, *how: str) -> str:
        """What the forge's button does; by default a merge commit."""
        git(self.repo, "fetch", "-q", "origin")
        git(self.repo, "pull", "-q", "--ff-only", "origin", "main")
        git(self.repo, "merge", "-q", "--no-edit", *(how or ("--no-ff",)), f"origin/{branch}")
        if "--squash" in how:
            message = git(self.repo, "log", "-1", "--format=%B", f"origin/{branch}")
            git(self.repo, "commit", "-q", "-m", message)
        git(self.repo, "push", "-q", "origin", "main", f":{branch}")
        return git(self.repo, "rev-parse", "HEAD")

    def revert(self, commit: str) -> str:
        """What a person does who has had enough of a version."""
        parents = git(self.repo, "rev-list", "--parents", "-n1", commit).split()[1:]
        git(self.repo, "revert", "--no-edit", *(("-m", "1") if len(parents) > 1 else ()), commit)
        git(self.repo, "push", "-q", "origin", "main")
        return git(self.repo, "rev-parse", "HEAD")

    def at(self, revision: str, path: str) -> str:
        """Content of a file at a revision of the remote, to the byte."""
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{revision}:{path}"],
            cwd=self.remote,
            check=True,
            capture_output=True,
        )
        return done.stdout.decode()

    def files(self, revision: str, path: str = "envs") -> list[str]:
        """The manifests below a path."""
        names = git(self.remote, "ls-tree", "-r", "--name-only", revision, path).splitlines()
        return [name for name in names if name.endswith(".yaml")]

    def branches(self) -> list[str]:
        return git(self.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def _model(self, letter: str) -> tuple[str, str]:
        folder = self.folder / "models" / letter
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(letter.encode() * 1000)
        uri = self.store.put(folder, "models", "digits")
        return uri, "sha256:" + uri.rpartition("sha256-")[2]

    def _evaluation(self, version: Body, value: float, verdict: str, made: str) -> Body:
        result = c.result("accuracy", f"{value:.4f}", verdict, min="0.9", rows=359)
        metrics = {"accuracy": c.metric(value, value - 0.01, value + 0.01)}
        digest = version["spec"]["artifact"]["digest"]
        report = c.report([result], metrics, rows=359, model={"name": "digits", "digest": digest})
        report |= {"dataset": {"name": "digits", "digest": b.DATA_DIGEST}}
        folder = self.folder / "reports" / version["metadata"]["name"]
        folder.mkdir(parents=True)
        write_report(report, folder)
        recorded = {"verdict": verdict, "rows": 359, "results": [result]}
        recorded |= {"report": self.store.put(folder, "reports", "digits")}
        spec = {
            "modelVersion": {"name": version["metadata"]["name"], "digest": digest},
            "dataset": report["dataset"],
            "split": "test",
            "recorded": recorded,
        }
        status = recorded | {"conditions": [b.condition("Complete", "True", verdict, f"accuracy {value}")]}
        name = f"{version['metadata']['name']}-11111111"
        return b.body("Evaluation", name, spec, status, creationTimestamp=made)
