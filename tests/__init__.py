"""The tests: packages that mirror ``procmem``, ``support`` for helpers, ``golden`` for pages."""
