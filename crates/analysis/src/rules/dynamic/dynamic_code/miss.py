import re
re.compile("a")
model.eval()
