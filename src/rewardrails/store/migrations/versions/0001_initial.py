"""The initial schema."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0001_initial.sql")
