const answer: Response = await fetch("https://example.org/");
