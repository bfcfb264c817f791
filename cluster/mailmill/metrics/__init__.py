"""Metrics for Prometheus: of an edge, served by its queue manager, and of the cluster, by the recorder."""
