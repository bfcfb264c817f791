"""The load driver: one process that plays many SMTP clients, and says what it cost itself."""
