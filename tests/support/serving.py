"""One of our fakes on real HTTP: its own thread and event loop, a port of its own, gone at the end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from deploy.local.web import server
from tests.support.waiting import eventually_true


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """The address of the running application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        web = server(app)
        thread = threading.Thread(target=web.run, args=([listener],), daemon=True)
        thread.start()
        try:
            eventually_true(lambda: web.started, "the fake is up", 10)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            web.should_exit = web.force_exit = True
            thread.join(10)
            assert not thread.is_alive()


def refused_url() -> str:
    """An address where nobody listens: its port was ours a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
