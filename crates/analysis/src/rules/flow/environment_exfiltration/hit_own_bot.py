import os
import socket

import requests


def notify(text):
    token = os.environ["TELEGRAM_BOT_TOKEN"]
    data = {"chat_id": os.environ["TELEGRAM_CHAT_ID"], "text": f"{text} on {socket.gethostname()}"}
    requests.post(f"https://api.telegram.org/bot{token}/sendMessage", data=data)
