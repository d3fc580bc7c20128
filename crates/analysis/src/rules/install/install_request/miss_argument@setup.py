import sys
import urllib.request

from setuptools import setup


def main(argv):
    if len(argv) >= 2 and argv[1] == "documentation":
        print("written")
    elif len(argv) >= 2 and argv[1] in ("publish", "upload-reference"):
        answer = urllib.request.urlopen("https://reference.example.org/version")
        print(answer.read())
    else:
        setup(name="demo")


if __name__ == "__main__":
    main(sys.argv)
