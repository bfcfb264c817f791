"""The verdict cache: what engines said, kept in Redis for the whole cluster."""
