"""Much of it for every parser, shaped to make it try again and again."""

from collections.abc import Mapping, Sequence

from tests.support.reward_files import GOOD, HEADER


def large(size: int) -> Mapping[str, Sequence[object]]:
    """Inputs of about `size` characters by parser."""
    texts = (
        "a" * size,
        "9" * size,
        "a." * (size // 2),
        "a.a@" + "a." * (size // 2),
        "a@" + "a-" * (size // 2),
        "a@" + "aa." * (size // 3) + "1",
        " " * size,
        "\n" * size,
        "\x00" * size,
        "٣" * (size // 2),
        "DE89" + "3" * size,
        "0:" + "f" * size,
        "0." + "0" * size,
        "[" * size,
        '{"a":' * (size // 5),
        '"' * size,
        '"' + "\\" * size,
        "e\u0301" * (size // 3),
    )
    raw = (*(text.encode() for text in texts), b"\xff" * size)
    files = (
        *raw,
        HEADER.encode() + b"\n" + b"," * size,
        HEADER.encode() + b"\n" + b'"' * size,
        HEADER.encode() + b'\n"' + b"x\n" * (size // 2),
        (HEADER + "\n" + (GOOD + "\n") * (size // 100)).encode(),
    )
    return {
        "amount": [(text, 2) for text in texts],
        **{
            parser: [*((text, "") for text in texts), *(("x", text) for text in texts)]
            for parser in ("email", "ton_address", "telegram_user", "iban", "exchange_address", "ed25519_key", "note")
        },
        "csv": [(file, 65536) for file in files],
        "ndjson": [(file, 65536) for file in files],
        "config": [
            *texts,
            "a = " + "[" * size,
            "a." * (size // 2) + "b = 1",
            "a = " + "9" * size,
            "a = '" + "x" * size,
        ],
        "payout body": raw,
        "evidence body": raw,
        "destination body": raw,
        "cursor": texts,
        "retry-after": [
            *texts,
            "Sun, " * (size // 5),
            "1 Jan " * (size // 6),
            ":" * size,
            "(" * size,
            "Jan 1 1:1:1:" + "1:" * size,
        ],
        "rail key": texts,
        "webhook notice": raw,
        "webhook proof": [(text, "1772366400", f"v1,{text}") for text in texts]
        + [("evt", text, text) for text in texts],
        "rail's answer": [(200, body, text) for body, text in zip(raw, texts, strict=False)],
        "kept notice": [(text, text, text) for text in texts[:4]],
    }
