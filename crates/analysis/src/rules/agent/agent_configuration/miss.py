import os

print(os.path.exists(os.path.expanduser("~/.claude/settings.json")))
