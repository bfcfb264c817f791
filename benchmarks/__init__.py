"""Measures Mailmill against Postfix, against the engines it asks and against the goals of its makers.

`make bench`, or `PYTHONPATH=deploy python -m benchmarks TABLE`; docs/benchmarks.md explains each table.
"""
