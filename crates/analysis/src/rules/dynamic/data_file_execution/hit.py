exec(open("logo.png").read())
