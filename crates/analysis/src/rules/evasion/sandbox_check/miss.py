NAMES = ["thread", "process", "wire"]
