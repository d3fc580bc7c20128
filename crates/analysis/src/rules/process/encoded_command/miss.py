import subprocess

subprocess.run("base64 -d fixture.b64 > fixture.bin", shell=True)
