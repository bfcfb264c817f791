"""The workers: scan and deliver."""
