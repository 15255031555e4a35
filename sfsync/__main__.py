"""`python -m sfsync`: the command line, for where the program itself is not on PATH."""

from sfsync.cli.main import main

if __name__ == "__main__":
    main()
