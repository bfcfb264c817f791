"""The whole system on one machine, on loopback: for `make up`, the tests and the benchmarks."""
