"""The language of scripts: events one a line, and what runs them."""
