"""Finds tables and their structure."""
