"""Tests of the service's rows and files."""
