"""The rules that claim byte ranges, one module for each subject."""
