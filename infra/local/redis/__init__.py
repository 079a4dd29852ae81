"""A Redis server of one's own."""

from infra.local.redis.server import Redis

__all__ = ["Redis"]
