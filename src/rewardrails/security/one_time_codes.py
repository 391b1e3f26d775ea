"""Codes of an authenticator (TOTP, RFC 6238): six digits, 30 seconds, one step early or late, each taken once."""

import hmac
import re

import pyotp

from rewardrails import clock
from rewardrails.secrets import Secret

STEP_SECONDS = 30
DRIFT_STEPS = 1
ISSUER = "RewardRails"
_six_digits = re.compile(r"[0-9]{6}").fullmatch


def new_secret() -> Secret:
    """A new secret to share with an authenticator (160 bits)."""
    return Secret(pyotp.random_base32())


def enrolment_uri(secret: Secret, name: str) -> Secret:
    """The otpauth:// address that authenticators read; it holds the secret."""
    return Secret(pyotp.TOTP(secret.reveal()).provisioning_uri(name=name, issuer_name=ISSUER))


def step_of(secret: Secret, code: str, *, after: int) -> int | None:
    """The time step that `code` belongs to, if it is near the present and later than `after`."""
    if not _six_digits(code):
        return None
    here = int(clock.now().timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret.reveal())
    near = [
        step
        for step in range(here - DRIFT_STEPS, here + DRIFT_STEPS + 1)
        if hmac.compare_digest(totp.generate_otp(step), code)
    ]
    return next((step for step in near if step > after), None)
