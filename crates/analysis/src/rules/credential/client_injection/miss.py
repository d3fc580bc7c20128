import glob

for folder in glob.glob("/opt/demo/modules/desktop_core"):
    print(folder)
