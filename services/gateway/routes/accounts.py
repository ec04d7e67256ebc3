"""People in all tenants, for root admins. None of these calls touches a credential."""

from contracts.erasure import EraseAccount, ErasedAccountView
from contracts.legal_holds import HoldAccount, HoldView, ReleaseAccount
from contracts.staff_changes import AccountView, DisableAccount, EnableAccount
from services.gateway.routing import Routes

ACCOUNT = "/api/v1/accounts/{account_id}"

routes = Routes()
routes.command("POST", f"{ACCOUNT}/disable", DisableAccount, AccountView)
routes.command("POST", f"{ACCOUNT}/enable", EnableAccount, AccountView)
routes.command("POST", f"{ACCOUNT}/erase", EraseAccount, ErasedAccountView)
routes.command("POST", f"{ACCOUNT}/legal-hold", HoldAccount, HoldView)
routes.command("POST", f"{ACCOUNT}/legal-hold/release", ReleaseAccount, HoldView)
