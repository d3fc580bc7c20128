import base64
print(base64.b64decode("cHJpbnQoMSk="))
eval("1 + 1")
