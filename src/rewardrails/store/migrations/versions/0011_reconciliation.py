"""Reconciliation, findings, and files for a bank."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0011_reconciliation.sql")
