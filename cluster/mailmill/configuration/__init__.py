"""The configuration in force in a process, and how it changes while the process runs."""
