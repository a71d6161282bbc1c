"""Times compared with other libraries: equal models, data and steps, each peer in its own process.

python -m benchmarks            everything; rewrites RESULTS.md and adds to history.jsonl
python -m benchmarks --quick    less of everything, in 5 minutes; only printed
"""
