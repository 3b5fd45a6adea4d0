"""What the service keeps: rows in a database, cases in a folder."""
