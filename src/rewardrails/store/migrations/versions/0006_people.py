"""People who sign in, their sessions, and how often somebody may try."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0006_people.sql")
