export function mount(form, place) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const typed = Object.fromEntries(new FormData(event.target));
    const answer = await fetch('https://a.example.org/send', { method: 'POST', body: JSON.stringify(typed) });
    place.textContent = await answer.text();
  });
}
