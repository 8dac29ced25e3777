"""Finds the items of a page: a detector, text lines, blocks, labels, figures."""
