"""`python -m cornu`."""

from cornu.cli import main

raise SystemExit(main())
