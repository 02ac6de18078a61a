"""`python -m emosim`: the command line."""

from emosim.cli import main

if __name__ == "__main__":
    main()
