from selenium import webdriver


def driver(path):
    options = webdriver.ChromeOptions()
    options.add_argument("--load-extension=" + path)
    return webdriver.Chrome(options=options)
