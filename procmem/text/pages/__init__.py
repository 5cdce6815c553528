"""The words of pages: headings, labels and sentences that only a layout has, one module a command."""
