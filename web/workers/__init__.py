"""The embedded runner: what happens between a job and a case. In: rows and a folder. Out: published cases."""
