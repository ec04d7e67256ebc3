"""What a process does once it is up and before it takes work."""

import gc


def settle_down() -> None:
    """Keep the garbage collector off everything that lives as long as the process: 15 % of a command's CPU.

    The older generations are still looked at often: with (50_000, 50, 50) a service grew by 130 MB in 20,000 commands.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 5, 5)
