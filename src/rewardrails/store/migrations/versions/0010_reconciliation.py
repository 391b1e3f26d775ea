"""Reconciliation, findings, and files for a bank."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0010_reconciliation.sql")
