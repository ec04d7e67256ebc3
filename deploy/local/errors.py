"""What can keep the local stack from running; each message is meant for the person at the keyboard."""


class StackError(Exception):
    """Base of the family: the command line prints it and exits non-zero."""


class ProductionRefused(StackError):
    """Development secrets must never guard a production system."""


class TamperedJar(StackError):
    """A jar differs from the SHA-256 in the lock; running it would run somebody else's code."""


class PartFailed(StackError):
    """A part died or did not become ready in time."""

    def __init__(self, part: str, why: str, log_tail: str) -> None:
        super().__init__(f"{part}: {why}\n--- the end of its log ---\n{log_tail}")
        self.part = part


class NotRunning(StackError):
    """The home directory has no running stack."""


class NoVoucherKey(StackError):
    """The key that signs this home's vouchers cannot be made, is gone, or cannot be used."""
