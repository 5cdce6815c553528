"""From reports to text: pages, tables, CSV, Markdown and JSON."""
