"""Notices as PayPal writes and signs them, with a root, an intermediate and a leaf of our own."""

import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rewardrails.domain.assets import format_amount
from rewardrails.domain.observation import ObservedStatus
from rewardrails.testing.contract import News, SignedBy

WEBHOOK_ID = "8HOOK00CANARY51PP"
CERTIFICATE_PATH = "/v1/notifications/certs/CERT-360caa42-fca2a594-double"
CERTIFICATE_URL = f"https://api.sandbox.paypal.com{CERTIFICATE_PATH}"
SIGNER = "messageverificationcerts.paypal.com"
VALID = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))
ITEM_WORDS: Mapping[ObservedStatus, tuple[str, str]] = {
    ObservedStatus.PENDING: ("UNCLAIMED", "UNCLAIMED"),
    ObservedStatus.PAID: ("SUCCEEDED", "SUCCESS"),
    ObservedStatus.FAILED: ("FAILED", "FAILED"),
    ObservedStatus.CANCELED: ("CANCELED", "RETURNED"),
    ObservedStatus.RETURNED: ("REFUNDED", "REFUNDED"),
    ObservedStatus.UNKNOWN: ("HELD", "ON_THE_MOON"),
}


@cache
def keys() -> dict[str, RSAPrivateKey]:
    return {name: generate_private_key(65537, 2048) for name in ("root", "between", "leaf", "stranger")}


@cache
def root() -> str:
    return _pem(_certificate("root", "root", "Root of the double"))


@cache
def chain(host: str = SIGNER, *, signed_by: str = "between", valid: tuple[datetime, datetime] = VALID) -> str:
    """The leaf for `host` and what lies between it and the root."""
    leaf = _certificate("leaf", signed_by, host, hosts=[host], valid=valid)
    return _pem(leaf) + _pem(_certificate("between", "root", "Between"))


class PayPalNotices:
    """Writes what PayPal would."""

    def __init__(self, certificate_url: str = CERTIFICATE_URL) -> None:
        self.certificate_url = certificate_url

    def write(self, news: News) -> bytes:
        event, status = ITEM_WORDS[news.status]
        value = format_amount(news.amount.amount_minor, 2)
        return item_event(
            news.event,
            event,
            {
                "payout_item_id": "8AELMXH8UB2P8",
                "transaction_status": status,
                "payout_batch_id": news.provider_reference,
                "sender_batch_id": news.rail_key,
                "payout_item": {
                    "recipient_type": "EMAIL",
                    "amount": {"currency": news.amount.asset, "value": value},
                    "receiver": news.destination.value,
                    "sender_item_id": news.rail_key,
                },
            },
        )

    def sign(self, body: bytes, *, event: str, at: datetime, by: SignedBy) -> Mapping[str, str]:
        transmission_id = f"{zlib.crc32(event.encode()):08x}-8046-11e6-8103-6b62a8a99ac4"
        time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = f"{transmission_id}|{time}|{WEBHOOK_ID}|{zlib.crc32(body)}".encode()
        key = keys()["leaf" if by is SignedBy.VENDOR else "stranger"]
        return {
            "paypal-transmission-id": transmission_id,
            "paypal-transmission-time": time,
            "paypal-transmission-sig": b64encode(key.sign(said, PKCS1v15(), SHA256())).decode(),
            "paypal-cert-url": self.certificate_url,
            "paypal-auth-algo": "SHA256withRSA",
        }


def item_event(name: str, event: str, resource: Mapping[str, Any]) -> bytes:
    return _event(name, f"PAYMENT.PAYOUTS-ITEM.{event}", "payouts_item", resource)


def batch_event(name: str, event: str, header: Mapping[str, Any]) -> bytes:
    return _event(name, f"PAYMENT.PAYOUTSBATCH.{event}", "payouts", {"batch_header": header, "links": []})


def _event(name: str, event_type: str, resource_type: str, resource: Mapping[str, Any]) -> bytes:
    return json.dumps(
        {
            "id": name,
            "event_version": "1.0",
            "create_time": "2026-11-01T10:00:00.000Z",
            "resource_type": resource_type,
            "event_type": event_type,
            "summary": "A payout item has news",
            "resource": resource,
            "links": [],
        }
    ).encode()


def _certificate(
    whose: str,
    signed_by: str,
    name: str,
    *,
    hosts: list[str] | None = None,
    valid: tuple[datetime, datetime] = VALID,
) -> x509.Certificate:
    key, signer = keys()[whose], keys()[signed_by]
    issuer = {"root": "Root of the double", "between": "Between", "stranger": "Between"}[signed_by]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=hosts is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(_usage(is_ca=hosts is None), critical=True)
    )
    if hosts is not None:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(signer, SHA256())


def _usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=not is_ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
