"""A list of books to read, in SQLite."""
