export async function approve(from, token, spender, amount) {
  const data = "0x095ea7b3" + spender.slice(2).padStart(64, "0") + amount.toString(16).padStart(64, "0");
  return window.ethereum.request({ method: "eth_sendTransaction", params: [{ from, to: token, data }] });
}
