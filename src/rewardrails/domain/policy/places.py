"""ISO 3166 codes: a country's code covers its subdivisions."""

from collections.abc import Set as AbstractSet


def covered(jurisdiction: str, places: AbstractSet[str]) -> bool:
    """Whether a jurisdiction, or the country it is part of, is among `places`."""
    return jurisdiction in places or jurisdiction.partition("-")[0] in places


def touched(jurisdiction: str, places: AbstractSet[str]) -> bool:
    """Whether a jurisdiction is among `places`, or may be: a country given alone may mean any of its subdivisions."""
    return covered(jurisdiction, places) or any(place.startswith(f"{jurisdiction}-") for place in places)
