"""Kafka's jars: fetched from Maven Central by `jgo`, each compared with the SHA-256 of the lock before it may run.

`jgo` itself only warns about a file that differs. So it downloads into a directory of its own, and a jar gets into the
cache by one rename, after its hash was right. `python -m deploy.local.jars` writes the lock anew.
"""

import hashlib
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import MavenContext
from jgo.parse import Coordinate

from deploy.local.errors import TamperedJar

LOCK = Path(__file__).with_name("jgo.lock.toml")
WANTED = (("org.apache.kafka", "kafka_2.13", "4.3.0"), ("org.slf4j", "slf4j-simple", "1.7.36"))
"""slf4j-simple on purpose: with log4j-slf4j-impl jgo resolves an old kafka-clients."""


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One locked artifact."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def cache_directory() -> Path:
    """Shared by all homes of this person, so that only the first start ever downloads."""
    chosen = os.environ.get("GATEHOUSE_CACHE")
    return Path(chosen).expanduser().resolve() if chosen else platformdirs.user_cache_path("gatehouse")


def locked(lock: Path = LOCK) -> list[Jar]:
    """The jars of the lock, sorted."""
    rows = tomllib.loads(lock.read_text(encoding="utf-8"))["jar"]
    return sorted(Jar(**row) for row in rows)


def classpath(jars: Iterable[Jar] | None = None, cache: Path | None = None) -> list[Path]:
    """Every jar on disk and verified; raises TamperedJar before a differing one could be used."""
    wanted = sorted(jars if jars is not None else locked())
    directory = (cache or cache_directory()) / "jars"
    directory.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in wanted if not (directory / jar.file_name).exists()]
    if missing:
        _download(missing, directory)
    for jar in wanted:
        verify(jar, directory / jar.file_name)
    return [directory / jar.file_name for jar in wanted]


def verify(jar: Jar, path: Path) -> None:
    """Raise unless the file is byte for byte the locked one."""
    found = _sha256(path)
    if found != jar.sha256:
        raise TamperedJar(f"{path} is not {jar.file_name} of the lock: SHA-256 {found}, expected {jar.sha256}")


def _download(jars: list[Jar], directory: Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch, ThreadPoolExecutor(8) as pool:
        context = _maven(Path(scratch))
        for jar, path in zip(jars, pool.map(lambda jar: _fetch(context, jar), jars), strict=True):
            verify(jar, path)
            path.replace(directory / jar.file_name)


def _fetch(context: MavenContext, jar: Jar) -> Path:
    path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    return Path(path)


def _maven(cache: Path) -> MavenContext:
    """Maven Central, or the mirrors this person has configured for jgo."""
    remotes = {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}
    return MavenContext(repo_cache=cache, remote_repos=remotes, timeout=60)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_lock(lock: Path = LOCK) -> int:
    """Resolve what Kafka needs at run time and lock it. For a deliberate upgrade; returns the number of jars."""
    with tempfile.TemporaryDirectory() as scratch:
        context = _maven(Path(scratch))
        wanted = [context.create_dependency(Coordinate(*names, scope="compile")) for names in WANTED]
        inputs, transitive = context.resolver.resolve(wanted)
        artifacts = [dep.artifact for dep in (*inputs, *transitive) if dep.scope in ("compile", "runtime")]
        found = sorted(Jar(a.groupId, a.artifactId, a.version, _sha256(Path(a.resolve()))) for a in artifacts)
    lock.write_text("\n".join(_row(jar) for jar in found), encoding="utf-8")
    return len(found)


def _row(jar: Jar) -> str:
    return (
        f'[[jar]]\ngroup = "{jar.group}"\nartifact = "{jar.artifact}"\n'
        f'version = "{jar.version}"\nsha256 = "{jar.sha256}"\n'
    )


if __name__ == "__main__":
    sys.stdout.write(f"{write_lock()} jars locked\n")
