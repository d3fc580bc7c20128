exec(open("demo/_version.py").read())
print(open("notes.txt").read())
