import pathlib


def write(path, text):
    path.write_text(text)


write(pathlib.Path.home() / ".bashrc", "demo-agent &\n")
