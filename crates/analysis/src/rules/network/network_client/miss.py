class requests:
    get = dict
self.get("https://example.org/")
