"""What each command does: look at the book, let the aggregate decide, answer. One table of all there are."""

from services.chassis.commands import Handler
from services.partners import exports, handlers_recording
from services.partners.decisions import handlers as handlers_deciding
from services.partners.dossiers import handlers_applying, handlers_filing
from services.partners.erasure import erase, holds
from services.partners.invoices import handlers as handlers_invoicing
from services.partners.mint import handlers as handlers_minting
from services.partners.review import handlers as review

HANDLERS: dict[type, Handler] = {
    **handlers_applying.HANDLERS,
    **handlers_filing.HANDLERS,
    **handlers_deciding.HANDLERS,
    **handlers_recording.HANDLERS,
    **holds.HANDLERS,
    **erase.HANDLERS,
    **handlers_invoicing.HANDLERS,
    **handlers_minting.HANDLERS,
    **review.HANDLERS,
    **exports.HANDLERS,
}
