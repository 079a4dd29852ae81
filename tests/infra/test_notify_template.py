"""infra/notify.yaml: no message is lost on its way, who tells may read no secret, and nothing inside is called."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.deploy import INFRA, read
from pipeline.handlers import notifications, webhook_delivery
from pipeline.handlers.batches import FIRST_WAIT_S, LONGEST_WAIT_S
from pipeline.notify.posting import BUDGET_S
from pipeline.notify.schedule import STANDARD

T = read(INFRA / "notify.yaml")
RESOURCES: dict[str, dict[str, Any]] = {name: r["Properties"] for name, r in T["Resources"].items()}
SOURCES = {"NotificationsSource": ("Notifications", "Outbox", notifications.LEASE),
           "WebhookDeliverySource": ("WebhookDelivery", "Webhooks", webhook_delivery.LEASE)}


def statements(function: str) -> list[dict[str, Any]]:
    """What a function may do."""
    return [statement for policy in RESOURCES[function]["Policies"] for statement in policy["Statement"]]


@pytest.mark.property(69)
@pytest.mark.parametrize("source", SOURCES)
def test_messages_fail_alone_and_are_hidden_longer_than_anybody_works_on_them(source: str) -> None:
    function, queue, lease = SOURCES[source]
    properties = RESOURCES[source]
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["EventSourceArn"] == {"Fn::GetAtt": [queue, "Arn"]}
    timeout, hidden = RESOURCES[function]["Timeout"], RESOURCES[queue]["VisibilityTimeout"]
    assert hidden >= 6 * timeout
    # A worker that dies leaves its claim behind; it is over before the message comes again, and all the tries of its
    # duplicates take longer than the claim lasts.
    assert timeout < lease.total_seconds() < hidden
    receives = RESOURCES[queue]["RedrivePolicy"]["maxReceiveCount"]
    waits = [min(FIRST_WAIT_S * 2**number, LONGEST_WAIT_S) for number in range(receives - 1)]
    assert sum(waits) > 10 * lease.total_seconds()


def test_an_attempt_ends_before_its_function() -> None:
    assert RESOURCES["WebhookDelivery"]["Timeout"] > 2 * BUDGET_S
    assert T["Parameters"]["WebhookSchedule"]["Default"] == STANDARD


def test_who_tells_knows_which_endpoints_there_are_and_no_secret() -> None:
    (reading,) = [one for one in statements("Notifications") if "EndpointsTable" in str(one["Resource"])]
    assert reading["Action"] == "dynamodb:Query"
    assert reading["Condition"] == {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["merchant_id", "endpoint_id", "disabled_at"]},
        "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}}
    may = {action for one in statements("WebhookEndpoints") for action in one["Action"]}
    assert {action.partition(":")[0] for action in may} == {"dynamodb"}
    assert RESOURCES["EndpointsTable"]["SSESpecification"] == {"SSEEnabled": True}


@pytest.mark.property(71)
def test_on_aws_no_network_is_allowed_by_name() -> None:
    allowed = T["Globals"]["Function"]["Environment"]["Variables"]["WEBHOOK_ALLOWED_NETWORKS"]
    assert allowed == {"Fn::If": ["Local", {"Ref": "WebhookAllowedNetworks"}, ""]}
    assert T["Parameters"]["WebhookAllowedNetworks"]["Default"] == ""
