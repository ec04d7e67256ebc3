"""What every service with a database does once in a while, and no message waits for.

Beside the chassis and not in it: nothing of the frame depends on it, and a service says in its `app.py` that it does.
"""

from services.upkeep.pruning import Pruning

__all__ = ["Pruning"]
