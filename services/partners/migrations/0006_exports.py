"""Exports: who asked for which file, and what it is made of until it is whole."""

from services.exports.tables import create

revision = "partners_0006"
down_revision = "partners_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create("partners")
