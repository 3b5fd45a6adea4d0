"""Benchmarks against a bare Playwright run on the same page in the same process tree; see `./run bench --help`."""
