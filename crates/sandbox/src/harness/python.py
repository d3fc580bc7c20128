# Exercises Python code in the sandbox: starts it, imports it and calls it, or drives it with HTTP requests.
#
# In: one line of JSON on the channel, a descriptor whose number is in SIGMA_CHANNEL. Out: lines that begin with the nonce of
# that line. What is said here is a claim: the code under test lives in the same process. It must therefore never be
# able to make the supervisor believe more than a claim, and the nonce is not left where it lies about.
# Python 3.6 and later.


def main():
    import ast, inspect, io, json, os, sys, threading

    fd = int(os.environ.pop("SIGMA_CHANNEL"))
    os.set_inheritable(fd, False)
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(fd, 65536)
        if not piece:
            return
        line += piece
    plan = json.loads(line)
    nonce = plan["nonce"].encode()
    write, dumps, get_ident = os.write, json.dumps, threading.get_ident
    app = plan["app"].rstrip("/") + "/"

    def say(**claim):
        data = nonce + dumps(claim).encode("utf-8", "replace") + b"\n"
        while data:
            data = data[write(fd, data):]

    # All functions of the files of the submission, before any of it runs.
    def functions():
        out = []
        for folder, folders, files in os.walk(app):
            folders[:] = [name for name in folders if name not in ("site-packages", "node_modules", ".git")]
            for name in files:
                path = os.path.join(folder, name)
                if not name.endswith(".py") and path != plan["entry"]:
                    continue
                try:
                    with open(path, "rb") as file:
                        tree = ast.parse(file.read())
                except Exception:
                    continue
                for node in ast.walk(tree):
                    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        first = min([node.lineno] + [one.lineno for one in node.decorator_list])
                        out.append("%s:%s:%d" % (path[len(app):], node.name, first))
        return out

    known = functions()
    for at in range(0, len(known) or 1, 500):
        say(t="functions", all=known[at:at + 500])
    wanted = set(known)

    # Each function is told when it is first called, so that nothing is lost when the program is killed.
    def reached(code):
        path = code.co_filename
        if path.startswith(app):
            key = "%s:%s:%d" % (path[len(app):], code.co_name, code.co_firstlineno)
            if key in wanted:
                wanted.discard(key)
                say(t="reached", all=[key])

    if hasattr(sys, "monitoring"):
        tool, events = 4, sys.monitoring.events.PY_START

        def on_start(code, offset):
            reached(code)
            return sys.monitoring.DISABLE

        sys.monitoring.use_tool_id(tool, "sigma")
        sys.monitoring.register_callback(tool, events, on_start)
        sys.monitoring.set_events(tool, events)
    else:
        seen = set()

        def on_event(frame, event, _):
            if event == "call" and frame.f_code not in seen:
                seen.add(frame.f_code)
                reached(frame.f_code)

        sys.setprofile(on_event)
        threading.setprofile(on_event)

    # Started without `site`, so that nothing that happens to be installed on this machine is found: only the dependencies
    # are, with what their `.pth` files start.
    if sys.flags.no_site:
        import site
        site.setquit()
        site.sethelper()
        if plan["dependencies"]:
            site.addsitedir(plan["dependencies"])

    # Mock secrets that are read by name.
    canaries = set(plan["canaries"])

    # Who asks for all keys and then for each in turn lists the environment (`urllib` does) and means none of them.
    class Watched(dict):
        listing = []

        def __iter__(self):
            Watched.listing = list(dict.__iter__(self))
            return iter(list(Watched.listing))

        def __getitem__(self, key):
            if Watched.listing and Watched.listing[0] == key:
                Watched.listing.pop(0)
                if "*" not in canaries and not Watched.listing:
                    canaries.add("*")
                    say(t="read", name="*")
                return dict.__getitem__(self, key)
            name = key.decode("utf-8", "replace") if isinstance(key, bytes) else str(key)
            if name in canaries:
                canaries.discard(name)
                say(t="read", name=name)
            return dict.__getitem__(self, key)

    try:
        os.environ._data = Watched(os.environ._data)
    except Exception:
        pass

    def told(what, outcome):
        say(t="exercise", what=what[:300], outcome=outcome[:300])

    def short(value):
        try:
            text = repr(value)
        except BaseException as error:
            text = "a value whose repr raises " + type(error).__name__
        return text if len(text) <= 80 else text[:77] + "..."

    # Runs something for at most some seconds; what does not come back is left behind.
    def bounded(what, call, seconds=2.0):
        result = []

        def work():
            try:
                result.append("returned " + short(call()))
            except SystemExit as error:
                result.append("exit " + short(error.code))
            except BaseException as error:
                result.append("raised " + type(error).__name__ + ": " + str(error)[:120])

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(seconds)
        told(what, result[0] if result else "did not return in time")

    def sample(name, annotation, depth=0):
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "") or str(annotation)
        text = text.replace("typing.", "").lower()
        origin, args = getattr(annotation, "__origin__", None), getattr(annotation, "__args__", ()) or ()
        name = name.lower()
        if origin is not None and args and depth < 3:
            if "union" in str(origin).lower() or "optional" in text:
                return sample(name, next((one for one in args if one is not type(None)), str), depth + 1)
            if origin in (list, set, frozenset):
                return origin([sample(name, args[0], depth + 1)])
            if origin is tuple:
                return tuple(sample(name, one, depth + 1) for one in args if one is not Ellipsis)
            if origin is dict and len(args) == 2:
                return {sample(name, args[0], depth + 1): sample(name, args[1], depth + 1)}
        for word, value in (
            ("bool", True), ("int", 3), ("float", 1.5), ("bytes", b"sample"), ("dict", {"key": "value"}),
            ("mapping", {"key": "value"}), ("list", [1, 2, 3]), ("sequence", [1, 2, 3]), ("iterable", [1, 2, 3]),
            ("set", {1, 2, 3}), ("tuple", (1, 2)), ("path", __import__("pathlib").Path(plan["textFile"])),
            ("callable", lambda *a, **k: None), ("textio", io.StringIO("sample\n")), ("none", None),
        ):
            if text.startswith(word):
                return value
        texts = (
            ("url", "https://example.org/"), ("uri", "https://example.org/"), ("path", plan["textFile"]),
            ("file", plan["textFile"]), ("dir", plan["temporary"]), ("email", "someone@example.org"),
            ("host", "example.org"), ("date", "2026-01-02"),
        )
        others = (
            ("port", 8080), ("count", 3), ("num", 3), ("size", 3), ("index", 0), ("limit", 3), ("timeout", 1),
            ("items", [1, 2, 3]), ("values", [1, 2, 3]), ("list", [1, 2, 3]), ("data", {"key": "value"}),
            ("config", {"key": "value"}), ("options", {"key": "value"}),
        )
        for word, value in texts if text.startswith("str") else texts + others:
            if word in name:
                return value
        if text.startswith("str"):
            return "sample"
        if name in ("a", "b", "x", "y", "n", "i", "k", "m"):
            return 3
        return "sample"

    def arguments(function):
        args, kwargs = [], {}
        for name, one in inspect.signature(function).parameters.items():
            if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
                continue
            annotated = one.annotation is not one.empty
            if one.default is not one.empty and not (annotated and one.default is None):
                value = one.default
            else:
                value = sample(name, one.annotation if annotated else "")
            if one.kind is one.KEYWORD_ONLY:
                kwargs[name] = value
            else:
                args.append(value)
        return args, kwargs

    def call(name, function):
        try:
            args, kwargs = arguments(function)
        except (TypeError, ValueError):
            return told("called " + name, "not called: it does not tell its parameters")
        shown = [short(one) for one in args] + ["%s=%s" % (key, short(value)) for key, value in kwargs.items()]
        what = "called %s(%s)" % (name, ", ".join(shown))

        def work():
            result = function(*args, **kwargs)
            if inspect.iscoroutine(result):
                import asyncio
                return asyncio.run(asyncio.wait_for(result, 1.5)) if hasattr(asyncio, "run") else None
            if inspect.isgenerator(result):
                return [one for one, _ in zip(result, range(20))]
            return result

        bounded(what, work)

    entry = plan["entry"]
    import importlib.util

    # A file of a package is imported under its package's name, so that relative imports work.
    folder, name = os.path.split(entry)
    parts = [os.path.splitext(name)[0]]
    while os.path.exists(os.path.join(folder, "__init__.py")) and len(folder) > len(app.rstrip("/")):
        folder, last = os.path.split(folder)
        parts.insert(0, last)
    if parts[-1] == "__init__":
        parts.pop()
    sys.path[0] = os.path.dirname(entry) if plan["mode"] == "program" else folder
    if app.rstrip("/") not in sys.path:
        sys.path.insert(1, app.rstrip("/"))
    sys.argv = [entry] + plan["arguments"]
    module_name = ".".join(parts) or "entry"

    def load():
        outcome = []

        def work():
            try:
                if "." in module_name:
                    module = importlib.import_module(module_name)
                else:
                    loader = importlib.machinery.SourceFileLoader(module_name, entry)
                    spec = importlib.util.spec_from_loader(module_name, loader)
                    module = importlib.util.module_from_spec(spec)
                    sys.modules[module_name] = module
                    spec.loader.exec_module(module)
                outcome.append(("imported", module))
            except SystemExit as error:
                outcome.append(("ended while it was imported: exit " + short(error.code), None))
            except BaseException as error:
                outcome.append(("raised %s: %s" % (type(error).__name__, str(error)[:120]), None))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(10)
        text, module = outcome[0] if outcome else ("was still running after 10 seconds", sys.modules.get(module_name))
        told("imported " + module_name, text)
        return module

    if plan["mode"] == "program":
        import runpy
        package = os.path.isdir(entry)
        try:
            if "." in module_name and not package:
                sys.path[0] = folder
                runpy.run_module(module_name, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(entry, run_name="__main__")
        except SystemExit:
            raise
        return

    if plan["mode"] == "module":
        module = load()
        public = getattr(module, "__all__", None) or [one for one in vars(module or object) if not one.startswith("_")]
        calls = 0
        for one in list(public)[:60]:
            value = getattr(module, one, None)
            if getattr(value, "__module__", None) != module_name or calls >= 40:
                continue
            if inspect.isclass(value):
                if issubclass(value, BaseException):
                    continue
                made = []
                calls += 1
                try:
                    args, kwargs = arguments(value)
                    bounded("made a %s" % one, lambda: made.append(value(*args, **kwargs)))
                except (TypeError, ValueError):
                    pass
                for method in [name for name in vars(value) if not name.startswith("_")][:15]:
                    bound = getattr(made[0], method, None) if made else None
                    if callable(bound) and calls < 40:
                        calls += 1
                        call("%s.%s" % (one, method), bound)
            elif callable(value):
                calls += 1
                call(one, value)
        leave(os)

    if plan["mode"] == "http":
        apps, handlers = [], []

        # Servers are not started: what they would have served is driven here.
        def keep(*args, **kwargs):
            apps.extend(one for one in args[:1] if callable(one))

        for library, owner, attribute in (
            ("flask", "Flask", "run"), ("bottle", "Bottle", "run"), ("uvicorn", None, "run"), ("waitress", None, "serve"),
            ("hypercorn", None, "run"), ("werkzeug.serving", None, "run_simple"),
        ):
            try:
                if importlib.util.find_spec(library.split(".")[0]) is None:
                    continue
                loaded = importlib.import_module(library)
                target = getattr(loaded, owner) if owner else loaded
                replacement = keep if library != "werkzeug.serving" else (lambda host, port, app, **k: keep(app))
                setattr(target, attribute, replacement)
            except BaseException:
                pass
        import socketserver
        import http.server

        def forever(self, *args, **kwargs):
            handlers.append(self.RequestHandlerClass)
            one = getattr(self, "get_app", lambda: None)()
            if one:
                apps.append(one)

        socketserver.BaseServer.serve_forever = forever
        socketserver.TCPServer.server_bind = lambda self: setattr(self, "server_address", ("127.0.0.1", 8000))
        http.server.HTTPServer.server_bind = lambda self: (setattr(self, "server_name", "localhost"), setattr(self, "server_port", 8000))
        socketserver.TCPServer.server_activate = lambda self: None

        module = load()
        values = list(vars(module).items()) if module else []
        main = dict(values).get("main")
        if not apps and not handlers and callable(main) and not any(is_app(value, inspect) for _, value in values):
            call("main", main)
        for _, value in values:
            if inspect.isclass(value) and issubclass(value, http.server.BaseHTTPRequestHandler) and value.__module__ == module_name:
                handlers.append(value)
            elif is_app(value, inspect):
                apps.append(value)
        for name in ("create_app", "make_app", "get_app"):
            maker = dict(values).get(name)
            if callable(maker) and not apps:
                try:
                    apps.append(maker())
                except BaseException:
                    pass
        seen_apps = []
        for one in apps:
            if not any(one is other for other in seen_apps):
                seen_apps.append(one)
        body = json.dumps({"name": "sample", "text": "sample", "url": "https://example.org/", "value": 3}).encode()
        for one in seen_apps[:3]:
            for method, path in requests_for(one)[:25]:
                drive = drive_asgi if is_asgi(one, inspect) else drive_wsgi
                bounded("%s %s" % (method, path), lambda: drive(one, method, path, body))
        for handler in list(dict.fromkeys(handlers))[:3]:
            for method in ("GET", "POST", "PUT", "DELETE"):
                if hasattr(handler, "do_" + method):
                    bounded("%s /" % method, lambda: drive_handler(handler, method, "/", body))
        if not seen_apps and not handlers:
            told("looked for an HTTP handler", "none was found")
        leave(os)


# Threads that never came back must not keep the process.
def leave(os):
    import sys
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def is_asgi(app, inspect):
    call = app if inspect.isfunction(app) else getattr(type(app), "__call__", None)
    try:
        return inspect.iscoroutinefunction(call) or len(inspect.signature(app).parameters) == 3
    except (TypeError, ValueError):
        return False


# Values of a module may do anything when they are looked at.
def is_app(value, inspect):
    try:
        return looks_like_app(value, inspect)
    except Exception:
        return False


def looks_like_app(value, inspect):
    if hasattr(value, "wsgi_app") or hasattr(value, "wsgi"):
        return not inspect.isclass(value)
    kind = type(value).__module__.split(".")[0]
    if kind in ("fastapi", "starlette", "quart", "sanic", "falcon", "django", "bottle") and callable(value):
        return hasattr(value, "routes") or hasattr(value, "router") or hasattr(value, "get_response")
    if inspect.isfunction(value):
        names = list(inspect.signature(value).parameters)
        return names == ["environ", "start_response"] or names == ["scope", "receive", "send"]
    return False


def requests_for(app):
    import re
    out = []
    rules = getattr(getattr(app, "url_map", None), "iter_rules", None)
    routes = getattr(app, "routes", None) or []
    if rules:
        for rule in rules():
            path = re.sub(r"<(?:(\w+)[^:>]*:)?[^>]+>", lambda m: "3" if m.group(1) in ("int", "float") else "sample", rule.rule)
            out += [(method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    else:
        for route in routes if isinstance(routes, (list, tuple)) else []:
            path = getattr(route, "path", None) or getattr(route, "rule", None)
            methods = getattr(route, "methods", None) or [getattr(route, "method", "GET")]
            if path:
                path = re.sub(r"\{[^}]+\}|<[^>]+>", "3", path)
                out += [(method, path) for method in sorted(methods) if method not in ("HEAD", "OPTIONS")]
    return out or [("GET", "/"), ("POST", "/"), ("GET", "/health")]


def drive_wsgi(app, method, path, body):
    import io
    status = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "q=sample", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost", "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body if method != "GET" else b""), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False, "SCRIPT_NAME": "",
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)) if method != "GET" else "0",
    }
    answer = app(environ, lambda line, headers, error=None: status.append(line))
    size = sum(len(piece) for piece, _ in zip(answer, range(1000)))
    return "%s, %d bytes" % (status[0] if status else "no status", size)


def drive_asgi(app, method, path, body):
    import asyncio
    sent, size = [], [0]
    messages = [{"type": "http.request", "body": body if method != "GET" else b"", "more_body": False}]

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            sent.append(message["status"])
        size[0] += len(message.get("body", b""))

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"q=sample", "root_path": "",
        "headers": headers if method != "GET" else headers[:1], "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        "state": {},
    }
    asyncio.run(app(scope, receive, send))
    return "%s, %d bytes" % (sent[0] if sent else "no status", size[0])


def drive_handler(handler, method, path, body):
    import io
    data = b"" if method == "GET" else body
    head = "%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    request = (head % (method, path, len(data))).encode() + data

    class Socket(object):
        def __init__(self):
            self.out = b""

        def makefile(self, mode, *args, **kwargs):
            return io.BytesIO(request)

        def sendall(self, data):
            self.out += bytes(data)[:65536]

        def __getattr__(self, name):
            return lambda *args, **kwargs: None

    socket = Socket()
    handler(socket, ("127.0.0.1", 1), type("Server", (), {"server_name": "localhost", "server_port": 80})())
    return "%s, %d bytes" % (socket.out.split(b"\r\n")[0].decode("latin-1"), len(socket.out))


main()
