environ = {}
environ.get("HOME")
