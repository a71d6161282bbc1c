"""The documentation site: what MkDocs builds besides the pages in docs."""
