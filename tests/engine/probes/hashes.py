"""Hashes of text: lower-case hexadecimal SHA-256 of its UTF-8 bytes."""

from __future__ import annotations

from typing import Any

EXPRESSIONS: list[tuple[str, Any]] = [
    # Text, its limits, and other values as text
    ("lower(to_hex(sha256(to_utf8('abc'))))", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("lower(to_hex(sha256(to_utf8(''))))", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("lower(to_hex(sha256(to_utf8('é'))))", "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"),
    ("lower(to_hex(sha256(to_utf8('👍'))))", "5d57d39e6b7d8ea050980e6665bb1da357db14249d74e122f7d4e8cc2253beff"),
    ("lower(to_hex(sha256(to_utf8('a' || 'b'))))", "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"),
    ("lower(to_hex(sha256(to_utf8(CAST(5 AS VARCHAR)))))",
     "ef2d127de37b942baad06145e54b0c619a1f22327b2ebbcfbec78f5564afe39d"),
    ("lower(to_hex(sha256(to_utf8(substr('xabc', 2, 3)))))",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("lower(to_hex(sha256(to_utf8('a' || CAST(NULL AS VARCHAR)))))", None),
    ("lower(to_hex(sha256(to_utf8(CAST(NULL AS VARCHAR)))))", None),
    ("substr(lower(to_hex(sha256(to_utf8('abc')))), 1, 15)", "ba7816bf8f01cfe"),
    ("length(lower(to_hex(sha256(to_utf8('abc')))))", 64),
    ("lower(to_hex(sha256(to_utf8('abc')))) = lower(to_hex(sha256(to_utf8('abd'))))", False),
]
