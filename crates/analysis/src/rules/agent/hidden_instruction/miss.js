const style = `.menu { display:none; } .menu.open { opacity: 0.9; }`;
const empty = ![].length;
const page = `<!-- app --><div id="app" title="Agents and assistants of the company"></div>`;
document.querySelector("#app").innerHTML = page + style + empty;
