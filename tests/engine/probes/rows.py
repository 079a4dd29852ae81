"""The rows that statements are tried on."""

from __future__ import annotations

T = "(VALUES (1, 'b'), (2, 'a'), (3, CAST(NULL AS VARCHAR)), (4, 'a')) AS t (n, s)"
U = T.replace("AS t", "AS u")
WIDE = "(VALUES (CAST(9223372036854775807 AS BIGINT)), (CAST(9223372036854775807 AS BIGINT))) AS t (x)"
SWING = "(VALUES (9223372036854775807), (9223372036854775807), (-9223372036854775807)) AS t (x)"
"""Half way their sum leaves BIGINT, at the end it is back."""
TIMES = (
    "(VALUES (1, TIMESTAMP '2026-01-01 00:00:00'), (2, TIMESTAMP '2026-01-01 12:00:00'), "
    "(3, TIMESTAMP '2026-01-03 00:00:00')) AS t (n, d)"
)
