"""What the documents name is there: files, commands of `gatehouse`, and what `make` can make."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from deploy.cli.app import app

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = {file.name: file.read_text(encoding="utf-8") for file in (REPOSITORY / "docs").glob("*.md")}
DOCUMENTS["README.md"] = (REPOSITORY / "README.md").read_text(encoding="utf-8")
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
GATEHOUSE = get_command(app)

_FILE = re.compile(r"\b(?:contracts|services|deploy|tests|docs)/[a-z0-9_/]+(?:\.py|\.md|/)(?![*\w])")
_COMMAND = re.compile(r"(?:^ +|`|/)gatehouse ([a-z][a-z-]*(?: [a-z][a-z-]*)*)", re.MULTILINE)
_MADE = re.compile(r"(?:^ +|`)make ([a-z]+)", re.MULTILINE)


def listed(name: str) -> set[str]:
    """The subcommands of a command; none where it has none."""
    return set(getattr(GATEHOUSE if not name else GATEHOUSE.commands[name], "commands", {}))  # type: ignore[attr-defined]


def is_there(words: list[str]) -> bool:
    """The rest of a line are arguments, or the sentence goes on."""
    known = listed(words[0]) if words[0] in listed("") else None
    return known is not None and (not known or len(words) == 1 or words[1] in known)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    named = set(_FILE.findall(DOCUMENTS[document]))

    assert {path for path in named if not (REPOSITORY / path).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_that_is_named_exists(document: str) -> None:
    named = {tuple(found.split()) for found in _COMMAND.findall(DOCUMENTS[document])}

    assert {words for words in named if not is_there(list(words))} == set()


def test_control_a_command_that_is_not_there_is_found() -> None:
    line = "    gatehouse audit forget FILE   # and `gatehouse keys` or `gatehouse outbox status`"

    assert [is_there(found.split()) for found in _COMMAND.findall(line)] == [False, True, True]


def test_the_tour_lists_every_command() -> None:
    [line] = re.findall(r"gatehouse --help +# (.+)", DOCUMENTS["README.md"])

    assert sorted(line.split(", ")) == sorted(listed(""))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_whatever_make_is_told_to_make_it_can(document: str) -> None:
    can = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))

    assert set(_MADE.findall(DOCUMENTS[document])) <= can
