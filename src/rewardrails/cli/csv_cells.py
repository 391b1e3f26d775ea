"""CSV files that a spreadsheet opens without running anything in them."""

# The last four are full-width forms, which some spreadsheets read alike.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *"\uff1d\uff0b\uff0d\uff20")


def safe_cell(value: object) -> str:
    """A value as cell text; one that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_A_FORMULA) else text
