"""What was written is read again and judged; what the org then holds is remembered."""
