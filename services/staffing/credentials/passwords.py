"""argon2id in a small pool of threads, so that hashing neither blocks the loop nor takes all memory.

The cost is OWASP's second choice: 19 MiB, two passes, one lane; two threads keep it under 40 MiB.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.staffing.credentials.password_policy import normalised

THREADS = 2


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._nobody = self._hasher.hash("the password of nobody")

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._hasher.hash, normalised(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Takes as long for a person who has no password as for one who has (P9)."""
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._pool, self._verify, stored or self._nobody, normalised(password))
        return right and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
