"""Answers with the current weather of a place."""

import sys

import requests
from pydantic import BaseModel
from rich import print
from tenacity import retry, stop_after_attempt, wait_exponential


class Place(BaseModel):
    name: str
    latitude: float
    longitude: float


@retry(stop=stop_after_attempt(3), wait=wait_exponential(max=5))
def get(url: str, **params: object) -> dict:
    answer = requests.get(url, params=params, timeout=10)
    answer.raise_for_status()
    return answer.json()


def weather(name: str) -> str:
    found = get("https://geocoding-api.open-meteo.com/v1/search", name=name, count=1)
    place = Place.model_validate(found["results"][0])
    now = get(
        "https://api.open-meteo.com/v1/forecast",
        latitude=place.latitude,
        longitude=place.longitude,
        current="temperature_2m,wind_speed_10m",
    )["current"]
    return f"{place.name}: {now['temperature_2m']} °C, wind {now['wind_speed_10m']} km/h"


if __name__ == "__main__":
    print(weather(" ".join(sys.argv[1:]) or "Zürich"))
