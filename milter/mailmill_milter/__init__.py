"""The edge: the milter that takes mail over and the queue manager that sees it to its end."""
