import requests
requests.post("https://discord.com/api/webhooks/1/x", json={})
