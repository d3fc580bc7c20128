import os

import requests

# The forge that made the token is asked for something: LOW.
requests.get("https://api.github.com/user", headers={"Authorization": "token " + os.environ["GITHUB_TOKEN"]})
