"""Serving the milter protocol ourselves (`Milter Library = builtin`): one event loop for each process."""
