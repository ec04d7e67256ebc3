"""What one batch sees and changes of vouchers; the part of the book that is theirs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.partners.mint.signers import Signer
from services.partners.mint.store import InForce
from services.partners.mint.voucher import Voucher
from services.partners.records import Document


@dataclass(frozen=True, slots=True)
class VoucherRules:
    """Whether anything is signed at all, and how long a voucher is good."""

    signing_enabled: bool = True
    lifetime: timedelta = timedelta(minutes=15)


@dataclass(slots=True)
class Vouchers:
    """`of` an invoice; `in_force` and `reviewed` by partner; `signer` is what the mint workers said last."""

    rules: VoucherRules = field(default_factory=VoucherRules)
    signer: Signer | None = None
    of: dict[UUID, Voucher] = field(default_factory=dict)
    in_force: dict[UUID, InForce] = field(default_factory=dict)
    reviewed: dict[UUID, Sequence[Document]] = field(default_factory=dict)
    new: list[Voucher] = field(default_factory=list)
    changed: dict[UUID, Voucher] = field(default_factory=dict)

    def add(self, voucher: Voucher) -> None:
        self.of[voucher.invoice_id] = voucher
        self.new.append(voucher)

    def change(self, voucher: Voucher) -> None:
        self.changed[voucher.id] = voucher
