"""The audit log: where an action came from, how it ended, what it changed; a chain over every column."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0003_audit.sql")
