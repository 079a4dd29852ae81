"""A process that speaks Stripe's and Adyen's APIs and keeps its own book of real charges."""

from infra.local.gateways.process import GatewaySimulator

__all__ = ["GatewaySimulator"]
