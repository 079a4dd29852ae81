"""Settlement details report: every journal line of a payable batch, in any layout (30, 32, 34, 49, 64 columns …)."""

from __future__ import annotations

from decimal import Decimal

from recon.feeds.adyen.types import JOURNAL_TYPES
from recon.feeds.amounts import LIMIT, exponent_sql
from recon.feeds.faults import WARNING
from recon.feeds.fields import Amount, Currency, Kind, Rate, Reference, Text, Whole
from recon.feeds.header import Shape
from recon.feeds.parser import SETTLEMENT, GroupControl, Parser, RowControl, Rule
from recon.feeds.timefields import LabelTime

_GROSS, _NET = "Gross Currency", "Net Currency"
_COSTS = "coalesce(commission, 0) + coalesce(markup, 0) + coalesce(scheme, 0) + coalesce(interchange, 0)"
_ADDED = ("net_debit", "net_credit", "commission", "markup", "scheme", "interchange")
_LARGE = " OR ".join(f"abs({name}) > {2**60}" for name in _ADDED)
_WIDE = " + ".join(f"CAST(coalesce({name}, 0) AS HUGEINT)" for name in _ADDED[2:])
_NET_MINOR = "coalesce(nullif(net_credit, 0), -nullif(net_debit, 0), 0)"
# The gross may stand in either column whatever its direction, so the sign comes from the kind, else from the net.
_MAGNITUDE = "coalesce(nullif(gross_credit, 0), nullif(gross_debit, 0), gross_credit, gross_debit)"
_SIGN = (
    "CASE WHEN kind IN ('charge', 'refund_failure', 'chargeback_reversal') THEN 1 "
    "WHEN kind IN ('refund', 'charge_failure', 'chargeback') THEN -1 "
    f"WHEN {_NET_MINOR} < 0 THEN -1 ELSE 1 END"
)
_SETTLED = (
    f"CASE WHEN gross_currency = net_currency AND {_MAGNITUDE} IS NOT NULL THEN ({_SIGN}) * {_MAGNITUDE} "
    f"ELSE {_NET_MINOR} + {_COSTS} END"
)
_CARDS = "'visa', 'mc', 'amex', 'diners', 'discover', 'jcb', 'maestro', 'cup', 'cartebancaire', 'elo', 'bcmc'"
_TEXT = "concat_ws(' ', modification_text, modification)"
_IDENTITY = "gross_currency = net_currency AND CAST(settled_gross_minor AS HUGEINT) - fee_minor <> net_minor"
_SHOWN = "settled_gross_minor || ' - ' || fee_minor || ' <> ' || net_minor"


def _at_rate() -> str:
    """SQL: gross × rate in minor units of the net currency, rounded half away from zero; NULL beyond what is exact."""
    shift = f"{exponent_sql('net_currency')} - {exponent_sql('gross_currency')}"
    scales = " ".join(f"WHEN {k} THEN {Decimal(10) ** k:f}" for k in range(-4, 5))
    scaled = f"TRY_CAST(rate AS DECIMAL(20,14)) * CAST(CASE {shift} {scales} END AS DECIMAL(9,4))"
    return f"round(TRY_CAST(({_SIGN}) * {_MAGNITUDE} AS DECIMAL(18,0)) * TRY_CAST({scaled} AS DECIMAL(20,14)))"


def _both(side: str, debit: str, credit: str) -> Rule:
    filled = f"coalesce({debit}, 0) <> 0 AND coalesce({credit}, 0) <> 0"
    return Rule(f"{side} Debit", filled, "both debit and credit are filled", "one of the two", value=debit)


PARSER = Parser(
    name="settlement_details",
    gateway="adyen",
    role=SETTLEMENT,
    shape=Shape(
        all_of=(
            "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Creation Date", "TimeZone",
            "Type", "Modification Reference", _GROSS, "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", _NET,
            "Net Debit (NC)", "Net Credit (NC)", "Commission (NC)", "Markup (NC)", "Scheme Fees (NC)",
            "Interchange (NC)", "Batch Number",
        ),
    ),
    fields=(
        Text("account", "Merchant Account", required=True),
        Text("gateway_ref", "Psp Reference"),
        Reference("payment_ref", "Merchant Reference"),
        Text("payment_method", "Payment Method"),
        Text("creation", "Creation Date"),
        LabelTime("occurred_at", "Creation Date", required=True),
        LabelTime("booked_at", "Booking Date", label="Booking Date TimeZone"),
        Text("raw_type", "Type", required=True),
        Kind("kind", "Type", kinds=JOURNAL_TYPES),
        Text("modification", "Modification Reference"),
        Text("modification_text", "Modification Merchant Reference"),
        Currency("gross_currency", _GROSS),
        Amount("gross_debit", "Gross Debit (GC)", currency=_GROSS),
        Amount("gross_credit", "Gross Credit (GC)", currency=_GROSS),
        Rate("rate", "Exchange Rate"),
        Currency("net_currency", _NET, required=True),
        Amount("net_debit", "Net Debit (NC)", currency=_NET),
        Amount("net_credit", "Net Credit (NC)", currency=_NET),
        Amount("commission", "Commission (NC)", currency=_NET),
        Amount("markup", "Markup (NC)", currency=_NET),
        Amount("scheme", "Scheme Fees (NC)", currency=_NET),
        Amount("interchange", "Interchange (NC)", currency=_NET),
        Whole("batch_id", "Batch Number", required=True),
        Text("card_country", "Issuer Country"),
    ),
    account="account",
    numbered=True,
    follow=(
        "batch_id", "raw_type", "kind", "gateway_ref", "operation_ref", "net_minor", "net_currency", "payout_ref",
        "fee_currency", "fee_minor", "settled_gross_minor", "card_brand",
    ),
    lines={
        "gateway_account": "account",
        "payout_ref": "CASE WHEN kind = 'payout' THEN nullif(regexp_extract(modification, 'TX[0-9A-Za-z]+XT'), '') END",
        "related_batch_id": "CASE WHEN kind = 'balance_transfer' "
        f"THEN nullif(regexp_extract({_TEXT}, 'batch ([0-9]+)', 1), '') END",
        "native_id": "concat(batch_id, ':', raw_type, ':', gateway_ref, ':', modification, ':', creation, ':', "
        f"{_NET_MINOR}, ':', net_currency, ':1')",
        "operation_ref": "CASE WHEN gateway_ref IS NOT NULL THEN modification END",
        "gross_minor": f"({_SIGN}) * {_MAGNITUDE}",
        "gross_currency": f"CASE WHEN {_MAGNITUDE} IS NOT NULL THEN gross_currency END",
        "settled_gross_minor": _SETTLED,
        "fee_minor": _COSTS,
        "fee_currency": "net_currency",
        "commission_minor": "commission",
        "markup_minor": "markup",
        "scheme_minor": "scheme",
        "interchange_minor": "interchange",
        "net_minor": _NET_MINOR,
        "_inward": f"CASE WHEN contains({_TEXT}, 'from batch') THEN true WHEN contains({_TEXT}, 'to batch') THEN false "
        f"ELSE {_NET_MINOR} >= 0 END",
        "_at_rate": f"CASE WHEN gross_currency <> net_currency THEN {_at_rate()} END",
        "fx_rate": "rate",
        "card_brand": f"CASE WHEN lower(payment_method) IN ({_CARDS}) THEN lower(payment_method) END",
    },
    rules=(
        _both("Net", "net_debit", "net_credit"),
        _both("Gross", "gross_debit", "gross_credit"),
        Rule(
            "Commission (NC)",
            f"CASE WHEN {_LARGE} THEN abs({_WIDE}) > {LIMIT} OR abs({_NET_MINOR} + {_WIDE}) > {LIMIT} END",
            "fees beyond 64 bits of minor units", "sums that fit",
        ),
    ),
    rows=(
        RowControl("gross − fees is not net", f"kind <> 'chargeback' AND {_IDENTITY}", _SHOWN,
                   column="Net Credit (NC)"),
        # Chargebacks print scheme costs that are not part of their net.
        RowControl("gross − fees is not net on a chargeback", f"kind = 'chargeback' AND {_IDENTITY}", _SHOWN,
                   level=WARNING, column="Net Debit (NC)"),
        RowControl("gross × rate − fees is not net within one minor unit", "abs(_at_rate - settled_gross_minor) > 1",
                   "_at_rate || ' - ' || fee_minor || ' <> ' || net_minor", column="Exchange Rate"),
        RowControl("no usable rate between gross and net currency: the row's identity is not checked",
                   "gross_currency <> net_currency AND gross_minor <> 0 AND _at_rate IS NULL",
                   "gross_currency || ' to ' || net_currency", level=WARNING, column="Exchange Rate"),
    ),
    groups=(
        GroupControl(
            problem="the batch does not sum to zero", by="gateway_account, batch_id, net_currency",
            bad="sum(net_minor) <> 0", shown="'left over ' || sum(net_minor)",
        ),
    ),
    batches="""
        SELECT gateway_account, batch_id, CAST(batch_id AS BIGINT) AS batch_seq, net_currency AS currency,
               max(occurred_at) AS closed_at,
               sum(net_minor) FILTER (WHERE kind NOT IN ('payout', 'payout_reversal', 'balance_transfer')) AS net_minor,
               -sum(net_minor) FILTER (WHERE kind IN ('payout', 'payout_reversal')) AS payout_minor,
               coalesce(sum(net_minor) FILTER (WHERE kind = 'balance_transfer' AND _inward), 0) AS carry_in_minor,
               coalesce(-sum(net_minor) FILTER (WHERE kind = 'balance_transfer' AND NOT _inward), 0) AS carry_out_minor,
               string_agg(DISTINCT related_batch_id, ',') FILTER (WHERE _inward) AS carry_in_from,
               string_agg(DISTINCT related_batch_id, ',') FILTER (WHERE NOT _inward) AS carry_out_to,
               min(payout_ref) AS payout_ref, NULL AS payout_status
        FROM lines GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
    """,
    scope="CASE WHEN count(*) > 0 THEN string_agg(DISTINCT gateway_account || ' batch ' || batch_id, ', ' "
    "ORDER BY gateway_account || ' batch ' || batch_id) END",
    batch_in_name=r"batch[_-]?([0-9]+)",
)  # fmt: skip
