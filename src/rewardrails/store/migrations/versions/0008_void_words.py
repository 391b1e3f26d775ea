"""Approvals are void after any change."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0008_void_words.sql")
