"""International bank account numbers: length by country and ISO 7064 mod-97; national checks refuse valid accounts."""

import re

from rewardrails.errors import DestinationInvalid

# Country and total length, from the registry of ISO 13616.
_REGISTRY = """
AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18
FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20
LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24
SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
"""
_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _REGISTRY.split()}
_VALUES = {chr(ord("A") + i): str(10 + i) for i in range(26)}
_TO_VALUES = str.maketrans(_VALUES)
_COUNTRY_VALUES = {country: country.translate(_TO_VALUES) for country in _LENGTHS}
# Check digits run from 02 to 98; 00, 01 and 99 would pass mod-97 too but are never given out.
_structure = re.compile(r"([A-Z]{2})(?!00|01|99)([0-9]{2})([A-Z0-9]{11,30})").fullmatch


def canonical_iban(text: str) -> str:
    """The number in capitals without spaces. Raises `DestinationInvalid`."""
    compact = text.replace(" ", "").upper()
    found = _structure(compact) if text.isascii() else None
    if found is None:
        raise _invalid("has not the shape of one")
    country, check, account = found.groups()
    if _LENGTHS.get(country) != len(compact):
        raise _invalid("has an unknown country or a length that its country does not use")
    values = account if account.isdigit() else account.translate(_TO_VALUES)
    if int(values + _COUNTRY_VALUES[country] + check) % 97 != 1:
        raise _invalid("has wrong check digits: it was mistyped")
    return compact


def _invalid(why: str) -> DestinationInvalid:
    return DestinationInvalid(f"the IBAN {why}", field="destination")
