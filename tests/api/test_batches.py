"""Files over HTTP: staged in a stream, reported row by row, started on demand."""

import csv
import io
from collections.abc import AsyncIterator

import pytest

from rewardrails.engine.batches import start_chunk
from tests.api.client import HEADER, Answer, Api

ROW = "r-{0},player:{0},season,10.00,EUR,DE,paypal_email,p{0}@example.org,\n"
CSV = {"Content-Type": "text/csv"}


def file_of(rows: int) -> bytes:
    return (HEADER + "".join(ROW.format(number) for number in range(rows)) + "bad,,,,,,,,\n").encode()


async def send(api: Api, raw: object, *, name: str = "week-1", **options: object) -> Answer:
    return await api.post(f"/v1/batches?name={name}", raw=raw, **({"headers": CSV} | options))  # type: ignore[arg-type]


async def test_a_file_gets_a_verdict_per_row_and_moves_no_money(api: Api) -> None:
    made = await send(api, file_of(3))

    assert (made.status, made.json["state"], made.json["rows_staged"]) == (201, "staged", 4)
    counted = {(line["verdict"], line["code"]): line["rows"] for line in made.json["verdicts"]}
    assert counted == {("accepted", None): 3, ("refused", "field_invalid"): 1}
    (need,) = made.json["needs"]
    assert (need["pool"], need["needed"]["amount"], need["enough"]) == ("season-eur", "30.00", True)
    assert (await api.row_counts())["payout"] == 0


async def test_a_file_is_taken_in_as_a_stream(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        whole = file_of(500)
        for start in range(0, len(whole), 997):
            yield whole[start : start + 997]

    made = await send(api, pieces())

    assert (made.status, made.json["rows_staged"]) == (201, 501)


@pytest.mark.promise("G1")
@pytest.mark.incident("I18")
async def test_the_same_bytes_again_answer_the_same_batch(api: Api) -> None:
    first = await send(api, file_of(3), key="k")
    again = await send(api, file_of(3), key="k")
    elsewhere = await send(api, file_of(3), name="other")

    assert [answer.status for answer in (first, again, elsewhere)] == [201, 200, 200]
    assert {answer.json["id"] for answer in (first, again, elsewhere)} == {first.json["id"]}
    assert (await api.row_counts())["batch"] == 1


async def test_a_key_that_staged_one_file_does_not_take_another(api: Api) -> None:
    await send(api, file_of(3), key="k")

    other = await send(api, file_of(4), key="k")
    renamed = await send(api, file_of(3), key="k", name="other")

    assert [(answer.status, answer.code) for answer in (other, renamed)] == [(409, "idempotency_key_reused")] * 2


async def test_a_started_batch_becomes_payouts(api: Api) -> None:
    path = f"/v1/batches/{(await send(api, file_of(3))).json['id']}"

    started = await api.post(f"{path}/start")
    await start_chunk(api.core)
    read = (await api.get(path)).json

    assert (started.status, started.json["state"]) == (202, "starting")
    assert (read["state"], read["needs"]) == ("started", [])
    assert [(line["state"], line["payouts"]) for line in read["payouts"]] == [("ready", 3)]
    listed = (await api.get(f"/v1/payouts?batch_id={read['id']}")).json["payouts"]
    assert len(listed) == 3


async def test_the_report_comes_in_pages_or_as_one_csv(api: Api) -> None:
    path = f"/v1/batches/{(await send(api, file_of(3))).json['id']}/rows"

    first = (await api.get(f"{path}?limit=3")).json
    rest = (await api.get(f"{path}?limit=3&cursor={first['next_cursor']}")).json
    whole = await api.get(path, headers={"Accept": "text/csv"})

    assert [row["row_no"] for row in first["rows"] + rest["rows"]] == [1, 2, 3, 4]
    assert rest["rows"][0]["field"] == "player_id"
    rows = list(csv.DictReader(io.StringIO(whole.body.decode())))
    assert [row["verdict"] for row in rows] == ["accepted"] * 3 + ["refused"]


async def test_a_file_that_is_none_leaves_nothing_behind(api: Api) -> None:
    before = (await api.row_counts())["batch"]

    answers = [
        await send(api, b"not,a,header\n1,2,3\n"),
        await send(api, file_of(1), headers={"Content-Type": "application/json"}),
        await send(api, file_of(1), name="a%00b"),
        await api.post("/v1/batches", raw=file_of(1), headers=CSV),
    ]

    assert [(answer.status, answer.code, answer.json["field"]) for answer in answers[1:]] == [
        (422, "field_invalid", "Content-Type"),
        (422, "field_invalid", "name"),
        (422, "field_invalid", "name"),
    ]
    assert (answers[0].status, answers[0].code) == (422, "file_invalid")
    counts = await api.row_counts()
    assert (counts["batch"], counts["batch_row"]) == (before, 0)


@pytest.mark.promise("G7")
async def test_the_csv_report_holds_nothing_that_a_spreadsheet_would_run(api: Api) -> None:
    row = "\"=cmd|' /C calc'!A0\",player:1,season,1.00,EUR,DE,paypal_email,p@example.org,\n"
    made = await send(api, (HEADER + row).encode())

    whole = await api.get(f"/v1/batches/{made.json['id']}/rows", headers={"Accept": "text/csv"})

    (read,) = csv.DictReader(io.StringIO(whole.body.decode()))
    assert (read["reward_id"], read["verdict"]) == ("'=cmd|' /C calc'!A0", "accepted")
