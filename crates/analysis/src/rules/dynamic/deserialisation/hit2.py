import yaml
yaml.load(open("x"))
