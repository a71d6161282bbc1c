"""`python -m scripts.site`: writes the pages of the site to build/pages, for `mkdocs build`."""

from __future__ import annotations

from scripts.site.gather import ROOT, gather

if __name__ == "__main__":
    print(f"{gather(ROOT / 'build' / 'pages')} pages")
