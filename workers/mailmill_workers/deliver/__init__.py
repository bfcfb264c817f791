"""Delivery: the QMQP and SMTP clients, the relay's addresses, bounces, and their tasks."""
