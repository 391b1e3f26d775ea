"""What is judged when money leaves: recipients with their memo, limits of the present window, what a release let pass."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0009_leaving.sql")
