import subprocess


def ask(prompt):
    return subprocess.run(["gemini", "--yolo", "-p", prompt])
