"""What every Mailmill node shares: settings, spool, contents, tasks and the message log."""

__version__ = "0.1.0"
