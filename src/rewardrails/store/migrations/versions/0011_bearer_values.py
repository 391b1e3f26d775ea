"""Codes and links that rails hand over, who was given them, and who had them given again."""

from alembic import op

from rewardrails.store.migrate import run_sql_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file(op, "0011_bearer_values.sql")
