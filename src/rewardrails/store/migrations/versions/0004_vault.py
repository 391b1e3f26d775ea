"""Data keys, a salt for every player, and what re-sealing needs."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0004_vault.sql")
