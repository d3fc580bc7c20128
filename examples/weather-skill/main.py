"""Tells the current weather of a place."""

import sys

import requests

GEOCODING = "https://geocoding-api.open-meteo.com/v1/search"
FORECAST = "https://api.open-meteo.com/v1/forecast"


def coordinates(place: str) -> tuple[float, float]:
    """The coordinates of a place."""
    answer = requests.get(GEOCODING, params={"name": place, "count": 1}, timeout=10)
    answer.raise_for_status()
    results = answer.json().get("results") or []
    if not results:
        raise LookupError(f"no place is called {place}")
    return results[0]["latitude"], results[0]["longitude"]


def weather(latitude: float, longitude: float) -> str:
    """The current weather at coordinates, in a few words."""
    parameters = {"latitude": latitude, "longitude": longitude, "current_weather": "true"}
    answer = requests.get(FORECAST, params=parameters, timeout=10)
    answer.raise_for_status()
    current = answer.json()["current_weather"]
    return f"{current['temperature']} °C, wind {current['windspeed']} km/h"


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] in ("-h", "--help"):
        print("usage: main.py PLACE", file=sys.stderr)
        return 2
    place = arguments[0]
    try:
        print(f"{place}: {weather(*coordinates(place))}")
    except (LookupError, requests.RequestException) as error:
        print(f"no weather for {place}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
