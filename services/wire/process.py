"""What a process does once it is up and before it takes work."""

import gc


def settle_down() -> None:
    """Keep the garbage collector off everything that lives as long as the process: 15 % of a command's CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
