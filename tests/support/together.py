"""Several services side by side: starting them takes as long as the slowest, and so does stopping them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from tests.support.process import ServiceProcess


@contextmanager
def together(*services: ServiceProcess) -> Iterator[tuple[ServiceProcess, ...]]:
    """All are ready at the beginning and gone at the end."""
    with ThreadPoolExecutor(len(services)) as pool:
        try:
            list(pool.map(ServiceProcess.start, services))
            yield services
        finally:
            list(pool.map(ServiceProcess.stop, services))
