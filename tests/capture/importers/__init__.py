"""Tests of capture.importers."""
