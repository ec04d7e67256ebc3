"""A command of ours in a process of its own, as an outsider runs it: no settings, only what it is given."""

import subprocess
import sys
from pathlib import Path

from deploy.demo.walk import UnexpectedAnswer

REPOSITORY = Path(__file__).parents[2]


def apart(*arguments: str, expect: int) -> str:
    """The last line that `gatehouse` prints with these arguments; raises unless its exit status is `expect`."""
    done = subprocess.run(
        (sys.executable, "-m", "deploy.cli.app", *arguments),
        env={"PYTHONPATH": str(REPOSITORY)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != expect:
        raise UnexpectedAnswer(f"{' '.join(arguments[:2])} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout.strip().splitlines()[-1]
