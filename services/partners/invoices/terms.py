"""Are these terms an invoice may have? Amount, currency, recipient and limits, each with its JSON pointer."""

from decimal import Decimal
from uuid import UUID

from contracts.failures import Code, FieldError
from contracts.invoices import CreateInvoice
from contracts.money import format_amount, parse_amount
from services.chassis import Refusal
from services.partners.invoices.ledger import Ledger
from services.partners.invoices.recipient import is_address


def check_terms(command: CreateInvoice, partner_id: UUID, ledger: Ledger) -> Decimal | Refusal:
    """The amount, or every field that is wrong under the code of the first."""
    amount, errors = _amount(command, ledger)
    if not is_address(command.recipient):
        errors.append(_error("recipient", Code.RECIPIENT_INVALID, "0x and 40 hex digits, with a right checksum"))
    elif not ledger.rules.recipients.approves(partner_id, command.recipient):
        errors.append(_error("recipient", Code.RECIPIENT_NOT_APPROVED, "not on the list of approved recipients"))
    if amount is None or errors:
        return Refusal(Code(errors[0].code), extra={"errors": errors})
    return amount


def _amount(command: CreateInvoice, ledger: Ledger) -> tuple[Decimal | None, list[FieldError]]:
    currency = command.currency
    if not ledger.rules.limits.supports(currency):
        known = ", ".join(sorted(ledger.rules.limits.ceilings))
        return None, [_error("currency", Code.TOKEN_UNSUPPORTED, f"one of {known}")]
    amount = parse_amount(command.amount, currency)
    if amount is None:
        return None, [_error("amount", Code.AMOUNT_INVALID, f"a positive decimal number as {currency} is written")]
    if not ledger.rules.limits.allows_invoice(amount, currency):
        most = format_amount(ledger.rules.limits.ceilings[currency].invoice, currency)
        return None, [_error("amount", Code.INVOICE_LIMIT_EXCEEDED, f"at most {most} {currency}")]
    return amount, []


def _error(name: str, code: Code, detail: str) -> FieldError:
    return FieldError(pointer=f"/{name}", code=code, detail=detail)
