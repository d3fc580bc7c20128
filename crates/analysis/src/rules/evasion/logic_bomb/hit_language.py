import locale
import shutil

language = (locale.getdefaultlocale()[0] or "").lower()
if language.startswith(("xx", "yy")):
    shutil.rmtree("/a-folder-that-nobody-has", ignore_errors=True)
