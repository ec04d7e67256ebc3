"""What leaves for other people's systems after the commit: messages, pages, deactivations."""

from services.outgoing.errands import Errands

__all__ = ["Errands"]
