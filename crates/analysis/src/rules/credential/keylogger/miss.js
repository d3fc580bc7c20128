document.addEventListener("keydown", (event) => console.log(event.key));
