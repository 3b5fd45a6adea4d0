"""Rules: pure functions from facts to findings, one file a layer.

In: report.facts.Facts. Out: findings, hops, a verdict. No clock, no disk, no network, no randomness: the same evidence
gives the same answer, and what is not in the evidence is unknown.
"""
