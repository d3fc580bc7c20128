import pip

pip.main(["install", "helper"])
