async function load() {
  const answer = await fetch('https://cdn.example.invalid/main.js');
  const script = document.createElement('script');
  script.textContent = await answer.text();
  document.head.appendChild(script);
}

load();
