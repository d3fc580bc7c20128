import ctypes

ctypes.windll.kernel32.GetConsoleMode(0)
ctypes.windll.kernel32.SetConsoleTitleW("demo")
