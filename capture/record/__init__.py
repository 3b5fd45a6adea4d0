"""The contract between capture and report: facts only, frozen, strictly read. Imports nothing of ours."""
