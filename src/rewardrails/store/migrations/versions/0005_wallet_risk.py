"""Screeners that are asked, challenges for proofs of ownership, and what providers hold for us."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0005_wallet_risk.sql")
