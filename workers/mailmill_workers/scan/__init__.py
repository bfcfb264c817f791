"""Scan: a batch of messages in, one decision per recipient group out."""
