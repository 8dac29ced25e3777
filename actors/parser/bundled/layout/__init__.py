"""Finds and labels the regions of a page."""
