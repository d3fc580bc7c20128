import { sign } from "./sign";
// A signature is no key, a client waits for what its service answers, and the caller's own host is the caller's.
export const send = (privateKey, transaction) => fetch("https://rpc.example.org", { body: sign(privateKey, transaction) });
export const login = async (user, password) => {
  const answer = await fetch("https://api.example.org/login", { method: "POST", body: JSON.stringify({ user, password }) });
  return answer.json();
};
export const keep = (url, mnemonic) => fetch(url, { method: "POST", body: mnemonic });
export const theme = () => document.cookie.match(/theme=(\w+)/);
