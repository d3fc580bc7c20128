import json, yaml
json.loads("{}")
yaml.load("a", Loader=yaml.SafeLoader)
