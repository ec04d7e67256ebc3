"""No jar runs that is not byte for byte the locked one."""

import hashlib
from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.errors import TamperedJar

CONTENT = b"PK\x03\x04 a jar"
JAR = jars.Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that already holds the jar, so that nothing is downloaded."""
    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / JAR.file_name).write_bytes(CONTENT)
    return tmp_path


def test_a_jar_with_the_locked_hash_is_used(cache: Path) -> None:
    assert jars.classpath([JAR], cache) == [cache / "jars" / JAR.file_name]


def test_a_jar_with_one_altered_byte_is_refused_by_name(cache: Path) -> None:
    (cache / "jars" / JAR.file_name).write_bytes(CONTENT[:-1] + b"R")

    with pytest.raises(TamperedJar, match=r"thing-1\.0\.jar"):
        jars.classpath([JAR], cache)


def test_a_truncated_jar_is_refused(cache: Path) -> None:
    (cache / "jars" / JAR.file_name).write_bytes(CONTENT[:-4])

    with pytest.raises(TamperedJar):
        jars.classpath([JAR], cache)


def test_the_lock_names_every_jar_with_its_hash_and_no_address() -> None:
    text = jars.LOCK.read_text(encoding="utf-8")

    assert "://" not in text
    assert {len(jar.sha256) for jar in jars.locked()} == {64}
    assert {("org.apache.kafka", "kafka_2.13"), ("org.apache.kafka", "kafka-clients")} <= {
        (jar.group, jar.artifact) for jar in jars.locked()
    }


def test_all_kafka_jars_are_of_one_version() -> None:
    assert {jar.version for jar in jars.locked() if jar.group == "org.apache.kafka"} == {"4.3.0"}
