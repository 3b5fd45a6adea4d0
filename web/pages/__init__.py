"""Pages for people. In: requests of browsers. Out: HTML; everything that decides lies in store, access and report."""
