import win32crypt


def unseal(blob):
    return win32crypt.CryptUnprotectData(blob, None, None, None, 0)[1]
