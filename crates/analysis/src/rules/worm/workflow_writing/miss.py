print(open(".github/workflows/test.yml").read())
