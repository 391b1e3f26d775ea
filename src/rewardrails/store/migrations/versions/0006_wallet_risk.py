"""Screeners that are asked, challenges for proofs of ownership, and what providers hold for us."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0006"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0006_wallet_risk.sql")
