"""Real trackers and mail servers for tests, on loopback, each with files of its own. In: what one should be like. Out:
where it listens and how to log in; at the end nothing of it is left."""
