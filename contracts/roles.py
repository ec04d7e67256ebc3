"""Roles in the `roles` claim of an OIDC access token."""

from enum import StrEnum


class Role(StrEnum):
    PARTNER_ADMIN = "RolePartnerAdmin"
    ROOT_ADMIN = "RoleRootAdmin"
    COMPLIANCE = "RoleCompliance"
    SUPER_ADMIN = "RoleSuperAdmin"
    AUDITOR = "RoleAuditor"
    OPS = "RoleOps"
