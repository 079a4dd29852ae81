"""Only addresses of the open internet are called, whatever name leads to them and however they are written."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Misused
from pipeline.notify.addresses import LONGEST_URL, Allowed, checked_url, is_public, may_be_called, refused

NOTHING, LOOPBACK = Allowed.of(""), Allowed.of("127.0.0.0/8")

REFUSED = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "169.254.170.2", "169.254.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::", "2001::1", "5f00::1", "3fff::1",
    "", "example.com", "1", "127.1", "0x7f000001",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]


@pytest.mark.property(71)
@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not is_public(address)
    assert not may_be_called(address, NOTHING, tls=True)


@pytest.mark.property(71)
@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_called_with_tls_alone(address: str) -> None:
    assert may_be_called(address, NOTHING, tls=True)
    assert not may_be_called(address, NOTHING, tls=False)
    assert not may_be_called(address, LOOPBACK, tls=False)


@pytest.mark.property(71)
@given(st.ip_addresses(v=4))
def test_no_form_of_an_address_within_another_is_called(inside: ipaddress.IPv4Address) -> None:
    number = int(inside)
    for wrapped in (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not is_public(str(ipaddress.IPv6Address(wrapped)))


@pytest.mark.property(71)
@pytest.mark.parametrize("found, bad", [
    (["8.8.8.8", "1.1.1.1"], []), (["8.8.8.8", "10.0.0.1"], ["10.0.0.1"]),
    (["8.8.8.8", "::ffff:10.0.0.1"], ["::ffff:10.0.0.1"]), (["2606:4700:4700::1111", "::1"], ["::1"]),
])
def test_one_bad_address_of_a_name_is_found_among_good_ones(found: list[str], bad: list[str]) -> None:
    assert refused(found, NOTHING, tls=True) == bad


def test_allowed_networks_open_what_they_name_and_no_more() -> None:
    assert may_be_called("127.0.0.1", LOOPBACK, tls=False)
    assert not may_be_called("10.0.0.1", LOOPBACK, tls=True)
    assert not may_be_called("::ffff:127.0.0.1", LOOPBACK, tls=False)
    assert Allowed.of(" 127.0.0.0/8 , ::1/128 ").names("::1")
    with pytest.raises(Misused, match="WEBHOOK_ALLOWED_NETWORKS"):
        Allowed.of("everything")


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example:8443/a/b?c=d", "https://8.8.8.8/x",
                                 "https://[2606:4700:4700::1111]/x", "https://xn--bcher-kva.example/"])
def test_an_address_of_a_merchant_is_taken(url: str) -> None:
    assert checked_url(url, NOTHING).geturl() == url


@pytest.mark.property(71)
@pytest.mark.parametrize("url", [
    "", "shop.example", "http://shop.example", "ftp://shop.example", "https://", "https:///x", "https://user@shop.example",
    "https://user:pass@shop.example", "https://shop.example/#x", "https://shop.example:0", "https://shop.example:99999",
    "https://shop.example:x", "https://sh op.example", "https://bücher.example", "https://shop.example/\r\nHost: a",
    "https://[::1", "https://127.0.0.1", "https://[::1]/", "https://169.254.169.254/latest", "https://10.1.2.3:8443/",
    "https://[::ffff:8.8.8.8]/", "https://-shop.example", "https://" + "a" * LONGEST_URL,
])  # fmt: skip
def test_what_may_be_no_address_of_a_merchant_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(Misused, match="url"):
        checked_url(url, NOTHING)


def test_without_tls_an_address_is_taken_where_networks_are_allowed_and_no_public_one() -> None:
    assert checked_url("http://127.0.0.1:8000/shop", LOOPBACK).port == 8000
    for url in ("http://8.8.8.8/", "http://10.0.0.1/", "https://10.0.0.1/"):
        with pytest.raises(Misused, match="not public"):
            checked_url(url, LOOPBACK)
