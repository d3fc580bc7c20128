import requests
import yaml


def settings(url):
    return yaml.load(requests.get(url).text, Loader=yaml.SafeLoader)
