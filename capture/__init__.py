"""Everything that touches the world. In: a URL and options. Out: a sealed bundle of facts on disk."""
