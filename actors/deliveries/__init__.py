"""Callbacks and webhooks from the outbox: payloads, signatures, schedule."""
