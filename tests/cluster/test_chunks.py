"""Chunks, confidence and what the server takes, from the running service."""

from __future__ import annotations
