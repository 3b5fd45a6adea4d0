"""Who may do what, and what no request may do. In: requests. Out: a Principal, or a refusal before any work."""
