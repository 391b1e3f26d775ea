"""Who gave a payout its present destination."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0007_authors.sql")
