"""One module for each report: the page for a person."""
