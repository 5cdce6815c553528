"""The report as one HTML file: templates, style and script lie in ``templates``; Jinja2 fills them, escaping text."""
