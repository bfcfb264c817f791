"""What Mailmill itself sees in a message: its parts, their names and their types."""
