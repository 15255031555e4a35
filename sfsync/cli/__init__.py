"""The command line: words, exit codes and colours. It decides nothing; `sfsync.app` does the work."""
