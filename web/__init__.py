"""The front door: forms, case pages, an API and the jobs behind them. Domain logic is in capture and report."""
