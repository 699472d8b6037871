"""``python -m photovst``."""

import sys

from photovst.cli import main

if __name__ == "__main__":
    sys.exit(main())
