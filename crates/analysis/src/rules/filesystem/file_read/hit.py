text = open("a").read()
