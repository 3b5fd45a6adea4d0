"""Captures in jobs of CI systems: ../action.yml for GitHub, gitlab.yml for GitLab; both call job.py."""
