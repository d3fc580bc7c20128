import subprocess

with open("notes.txt", "w") as f:
    f.write("import nothing\n")


def check_library():
    with open("answers.py", "w") as f:
        f.write("LIBRARY = True\nVERSION = '1.0'\n")
    return subprocess.check_output(["pkg-config", "--exists", "demo"])


subprocess.run(["git", "status"])
