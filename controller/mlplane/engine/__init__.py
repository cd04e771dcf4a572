"""The loop: observe, plan, act, commit, for an object at a time, woken by a keyed queue. Knows no watcher."""
