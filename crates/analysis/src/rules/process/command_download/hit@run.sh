#!/bin/sh
bash <(curl -s https://files.example.org/run.sh)
