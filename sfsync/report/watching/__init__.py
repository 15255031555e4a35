"""What those see who watch a run or hear of its end: progress, logs, metrics, GitHub, one sentence."""
