"""One text, many markups. In: blocks. Out: what a tracker shows, with nothing live in it but our own links."""
