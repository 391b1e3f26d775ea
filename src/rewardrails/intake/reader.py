"""TEMPORARY."""

Chunk = FileFormat = StagedRow = object


def read_rows(*a): ...
