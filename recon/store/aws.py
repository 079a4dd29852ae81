"""The door to AWS: real AWS only where it is asked for by name, and its errors in plain words."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from recon.store.port import StoreRefused

ALLOWED = "RECON_AWS"
_ENDPOINT = "AWS_ENDPOINT_URL"
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_DENIED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "403", "Forbidden", "UnauthorizedOperation"}
_UNKNOWN_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "UnrecognizedClientException", "InvalidClientTokenId"}
_SLOW = {"SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded",
         "503", "ServiceUnavailable"}


class AwsRefused(StoreRefused):
    """AWS cannot be used as things stand: the message says what was asked of it, why not, and the next step."""


def require(what: str, environment: Mapping[str, str] | None = None) -> None:
    """Raises AwsRefused where `what` would reach AWS itself and nobody has allowed that.

    A local stack (every AWS_ENDPOINT_URL* on loopback, none ignored) may always be reached; AWS itself only with
    RECON_AWS=allowed, which the deployed jobs set and a laptop does not.
    """
    env = os.environ if environment is None else environment
    if env.get(ALLOWED) == "allowed":
        return
    if ALLOWED in env:
        raise AwsRefused(f"{ALLOWED} is {env[ALLOWED]!r}; only 'allowed' is accepted, or leave it unset")
    addresses = {name: value for name, value in env.items() if name.startswith(_ENDPOINT) and value}
    outside = sorted(name for name, value in addresses.items() if not _is_loopback(value))
    ignored = env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"
    if _ENDPOINT in addresses and not outside and not ignored:
        return
    why = (f"{', '.join(outside)} leads away from this machine" if outside
           else "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is set" if ignored else f"{_ENDPOINT} is not set")
    raise AwsRefused(f"{what} would reach AWS itself ({why}): set {ALLOWED}=allowed if you mean that, or "
                     f"{_ENDPOINT} to the local stack's address (pipeline up prints it)")


@contextmanager
def plainly(what: str) -> Iterator[None]:
    """Turns what the AWS libraries raise while doing `what` into AwsRefused."""
    try:
        yield
    except ClientError as error:
        raise AwsRefused(f"{what}: {plain_code(error.response.get('Error', {}))}") from error
    except NoCredentialsError as error:
        raise AwsRefused(f"{what}: no AWS credentials; log in (aws sso login) or set AWS_PROFILE") from error
    except NoRegionError as error:
        raise AwsRefused(f"{what}: no AWS region; set AWS_DEFAULT_REGION, e.g. eu-west-1") from error
    except BotoCoreError as error:
        raise AwsRefused(f"{what}: {error}; check the network and {_ENDPOINT}") from error


def plain_code(error: Mapping[str, str]) -> str:
    """An AWS error {Code, Message} as a plain sentence with the next step."""
    code, message = error.get("Code", ""), error.get("Message", "")
    if code in _EXPIRED:
        return f"the AWS credentials have expired ({code}); log in again, then repeat the command"
    if code in _UNKNOWN_KEYS:
        return f"AWS does not accept these credentials ({code}); check AWS_PROFILE and the region"
    if code in _DENIED:
        return f"access denied ({message or code}); the role needs to read it: see infra/README.md for the policy"
    if code in ("NoSuchBucket", "404", "NotFound"):
        return f"no such bucket ({message or code}); check the address for typing errors, and the account"
    if code in _SLOW:
        return f"AWS asks to slow down ({code}), and repeating did not help; wait some minutes and repeat the command"
    return f"{code}: {message}"


def _is_loopback(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
