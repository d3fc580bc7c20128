import pathlib

from .params import Option


def install(value):
    """Installs the completion, when somebody gives the option."""
    (pathlib.Path.home() / ".bashrc").write_text("source ~/.completions/demo.sh\n")


def main(completion: bool = Option(False, callback=install)):
    print(completion)
