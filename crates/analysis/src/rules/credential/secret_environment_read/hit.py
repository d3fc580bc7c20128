from os import environ
key = environ["OPENAI_API_KEY"]
