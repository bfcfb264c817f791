"""The message log: one event per step of a message, written by every node, kept in a database for `trace`."""
