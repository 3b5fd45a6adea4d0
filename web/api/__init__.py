"""The service for machines. In: HTTP requests with JSON. Out: JSON, files, and problem details for every error."""
