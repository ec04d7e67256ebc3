"""Ranges of the log in processes of their own: the job goes in by standard input, since it holds a password.

A module to start rather than a `ProcessPoolExecutor`, whose children import the caller's main module again.
"""

import asyncio
import pickle
import sys
from collections.abc import Sequence

import asyncpg

from services.audit.one_range import Part, Range, verify_alone


async def in_processes(jobs: Sequence[Range]) -> list[Part]:
    """Raises OSError when one of them could not read the database, or did not live to the end."""
    return list(await asyncio.gather(*map(_in_a_process, jobs)))


async def _in_a_process(job: Range) -> Part:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdin=pipe, stdout=pipe)
    try:
        said, _ = await process.communicate(pickle.dumps(job))
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise OSError(f"the process that verified {job.start} to {job.end} ended with {process.returncode}")
    found: Part | OSError = pickle.loads(said)  # noqa: S301, our own child wrote it
    if isinstance(found, OSError):
        raise found
    return found


def main() -> None:
    job: Range = pickle.load(sys.stdin.buffer)  # noqa: S301, our parent wrote it
    try:
        found: Part | OSError = asyncio.run(verify_alone(job))
    except (OSError, asyncpg.PostgresError) as error:
        found = OSError(str(error) or repr(error))
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    main()
