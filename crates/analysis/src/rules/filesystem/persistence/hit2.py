import subprocess

subprocess.run('schtasks /create /sc onlogon /tn helper /tr "pythonw helper.py"', shell=True)
