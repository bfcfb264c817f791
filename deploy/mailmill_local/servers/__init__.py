"""The real servers that Mailmill works with, each with a private configuration in a private directory."""
