"""What stands between a reward and the money: approvals, checks, lists, limits, holds."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0002_gates.sql")
