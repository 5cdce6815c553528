"""One module for each question that a report answers."""
