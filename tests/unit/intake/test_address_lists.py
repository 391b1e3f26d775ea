"""Lists of destinations, plain and as OFAC publishes them."""

from datetime import UTC, datetime
from hashlib import sha256

import pytest

from rewardrails.errors import FieldInvalid
from rewardrails.intake.address_lists import read_list

SDN = b"""<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
  <publshInformation><Publish_Date>05/01/2026</Publish_Date><Record_Count>2</Record_Count></publshInformation>
  <sdnEntry><uid>1</uid><lastName>ONE</lastName><idList>
    <id><uid>11</uid><idType>Digital Currency Address - XBT</idType><idNumber>bc1qexample</idNumber></id>
    <id><uid>12</uid><idType>Passport</idType><idNumber>123456</idNumber></id>
  </idList></sdnEntry>
  <sdnEntry><uid>2</uid><idList>
    <id><uid>21</uid><idType>Digital Currency Address - USDT</idType><idNumber> Texample </idNumber></id>
  </idList></sdnEntry>
</sdnList>"""


def test_the_xml_of_ofac_gives_its_addresses_and_its_date():
    found = read_list(SDN)

    assert found.entries == ("bc1qexample", "Texample")
    assert found.dated == datetime(2026, 5, 1, tzinfo=UTC)
    assert found.sha256 == sha256(SDN).digest()


def test_a_plain_list_has_one_destination_a_line():
    assert read_list(b"\xef\xbb\xbf# ours\na@example.org\n\n  b@example.org # seen in May\n").entries == (
        "a@example.org",
        "b@example.org",
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"# nothing\n",
        b"\xff\xfe",
        b"<sdnList>",
        b"<sdnList></sdnList>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><sdnList><id><idType>Digital Currency Address</idType></id></sdnList>',
    ],
)
def test_what_holds_no_list_is_refused_and_never_taken_for_an_empty_one(data):
    with pytest.raises(FieldInvalid):
        read_list(data)
