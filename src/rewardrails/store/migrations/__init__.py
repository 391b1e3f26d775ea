"""The schema, as Alembic revisions over plain SQL files in `sql/`."""
