"""What each command does: look at the book, let the aggregate decide, answer. One table of all there are."""

from services.chassis.commands import Handler
from services.partners import (
    erasure,
    exports,
    handlers_applying,
    handlers_deciding,
    handlers_filing,
    handlers_recording,
    holds,
)
from services.partners.invoices import handlers as handlers_invoicing
from services.partners.mint import handlers as handlers_minting
from services.partners.review import handlers as review

HANDLERS: dict[type, Handler] = {
    **handlers_applying.HANDLERS,
    **handlers_filing.HANDLERS,
    **handlers_deciding.HANDLERS,
    **handlers_recording.HANDLERS,
    **holds.HANDLERS,
    **erasure.HANDLERS,
    **handlers_invoicing.HANDLERS,
    **handlers_minting.HANDLERS,
    **review.HANDLERS,
    **exports.HANDLERS,
}
